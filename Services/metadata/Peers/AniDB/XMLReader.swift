/// Why a text could not be read as XML.
package struct XMLError: Error, Sendable, Hashable {
    package let reason: String
}

/// Reads an XML text once, element by element, and keeps nothing that is not asked for.
///
/// It supports what records consist of: elements, attributes, text, character references, CDATA, comments, and
/// processing instructions. A document type is rejected, and with it every entity that a text could define; namespaces
/// are part of names. The open elements are those whose children are being read.
package struct XMLReader {
    /// The maximum nesting depth of elements.
    private static let depthMax = 64

    private let bytes: [UInt8]
    private var index = 0
    /// The names of the open elements, as ranges of the text.
    private var open: [Range<Int>] = []
    /// The range of the attributes in the start tag of the element entered last.
    private var attributes = 0..<0
    /// Whether the element entered last is an empty-element tag.
    private var isEmpty = false

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Enters the root element and returns its name.
    package mutating func root() throws(XMLError) -> String {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { index = 3 }
        guard try toTag(), !isEndTag else { throw fail("there is no element") }
        return try enter()
    }

    /// Enters the next child of the innermost open element and returns its name; leaves that element and returns nil if
    /// it has no more. Text between children is skipped. Every child has to be left: by its own `nextChild`, by `text`,
    /// or by `skip`.
    package mutating func nextChild() throws(XMLError) -> String? {
        if isEmpty {
            leave()
            return nil
        }
        guard try toTag() else { throw fail("the text ends within an element") }
        if isEndTag {
            try endTag()
            return nil
        }
        return try enter()
    }

    /// Returns an attribute of the element entered last, or nil if it has none of that name.
    package func attribute(_ name: StaticString) -> String? {
        var place = attributes.lowerBound
        while place < attributes.upperBound {
            while place < attributes.upperBound, Self.isSpace(bytes[place]) { place += 1 }
            let start = place
            while place < attributes.upperBound, bytes[place] != UInt8(ascii: "=") { place += 1 }
            var end = place
            while end > start, Self.isSpace(bytes[end - 1]) { end -= 1 }
            place += 1
            while place < attributes.upperBound, Self.isSpace(bytes[place]) { place += 1 }
            guard place < attributes.upperBound else { return nil }
            let quote = bytes[place]
            guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
            let value = place + 1
            place = value
            while place < attributes.upperBound, bytes[place] != quote { place += 1 }
            if isName(start..<end, name) { return Self.decoded(bytes[value..<place]) }
            place += 1
        }
        return nil
    }

    /// Returns the text of the element entered last, without that of its children, and leaves the element.
    package mutating func text() throws(XMLError) -> String {
        if isEmpty {
            leave()
            return ""
        }
        var result: String?
        while true {
            let start = index
            while index < bytes.count, bytes[index] != UInt8(ascii: "<") { index += 1 }
            if index > start {
                let part = Self.decoded(bytes[start..<index])
                result = result.map { $0 + part } ?? part
            }
            if starts("<![CDATA[") {
                let from = index + 9
                try pass("]]>")
                let part = String(decoding: bytes[from..<(index - 3)], as: UTF8.self)
                result = result.map { $0 + part } ?? part
                continue
            }
            guard try toTag() else { throw fail("the text ends within an element") }
            if isEndTag {
                try endTag()
                return result ?? ""
            }
            _ = try enter()
            try skip()
        }
    }

    /// Skips the rest of the element entered last, and leaves it.
    package mutating func skip() throws(XMLError) {
        if isEmpty {
            leave()
            return
        }
        var depth = 0
        while true {
            guard try toTag() else { throw fail("the text ends within an element") }
            if isEndTag {
                if depth == 0 {
                    try endTag()
                    return
                }
                depth -= 1
                try toTagEnd()
            } else {
                try toTagEnd()
                if bytes[index - 2] != UInt8(ascii: "/") { depth += 1 }
                if depth + open.count > Self.depthMax { throw fail("elements are nested too deeply") }
            }
        }
    }

    // MARK: Steps

    /// Advances to the next start or end tag; returns false at the end of the text.
    private mutating func toTag() throws(XMLError) -> Bool {
        while true {
            while index < bytes.count, bytes[index] != UInt8(ascii: "<") { index += 1 }
            guard index + 1 < bytes.count else { return false }
            switch bytes[index + 1] {
            case UInt8(ascii: "?"): try pass("?>")
            case UInt8(ascii: "!"):
                if starts("<!--") {
                    try pass("-->")
                } else if starts("<![CDATA[") {
                    try pass("]]>")
                } else {
                    throw fail("document types are not accepted")
                }
            default: return true
            }
        }
    }

    private var isEndTag: Bool { bytes[index + 1] == UInt8(ascii: "/") }

    private mutating func enter() throws(XMLError) -> String {
        let start = index + 1
        var end = start
        while end < bytes.count, !Self.endsName(bytes[end]) { end += 1 }
        guard end > start else { throw fail("a tag has no name") }
        try toTagEnd()
        isEmpty = bytes[index - 2] == UInt8(ascii: "/")
        attributes = end..<(isEmpty ? index - 2 : index - 1)
        guard end <= attributes.upperBound else { throw fail("a tag is malformed") }
        open.append(start..<end)
        guard open.count <= Self.depthMax else { throw fail("elements are nested too deeply") }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func endTag() throws(XMLError) {
        guard let name = open.last else { throw fail("an end tag has no start tag") }
        let start = index + 2
        let end = start + name.count
        guard end < bytes.count, bytes[start..<end].elementsEqual(bytes[name]), Self.endsName(bytes[end]) else {
            throw fail("an end tag does not match the open element")
        }
        try toTagEnd()
        leave()
    }

    private mutating func leave() {
        _ = open.popLast()
        isEmpty = false
        attributes = 0..<0
    }

    /// Advances past the ">" of the tag that starts here; one within quotes does not end it.
    private mutating func toTagEnd() throws(XMLError) {
        var quote: UInt8 = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: ">") {
                return
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            }
        }
        throw fail("the text ends within a tag")
    }

    /// Advances past the next `mark`.
    private mutating func pass(_ mark: StaticString) throws(XMLError) {
        while index < bytes.count {
            if starts(mark) {
                index += mark.utf8CodeUnitCount
                return
            }
            index += 1
        }
        throw fail("the text ends within a comment or similar")
    }

    private func starts(_ mark: StaticString) -> Bool { isName(index..<(index + mark.utf8CodeUnitCount), mark) }

    private func isName(_ place: Range<Int>, _ name: StaticString) -> Bool {
        guard place.count == name.utf8CodeUnitCount, place.upperBound <= bytes.count else { return false }
        return name.withUTF8Buffer { $0.elementsEqual(bytes[place]) }
    }

    private func fail(_ reason: String) -> XMLError {
        XMLError(reason: "\(reason), at byte \(min(index, bytes.count))")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private static func endsName(_ byte: UInt8) -> Bool {
        isSpace(byte) || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "/")
    }

    /// Returns the text with its references replaced by characters; anything else stays as it is.
    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.contains(UInt8(ascii: "&")) else { return text }
        return FactsText.withoutReferences(text)
    }
}
