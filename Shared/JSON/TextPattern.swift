/// A small subset of regular expressions: `^`, ASCII characters and classes with counts (`?`, `*`, `+`, `{2,5}`), `$`.
///
/// Matching is one pass over the bytes, so counts must never require backtracking.
package struct TextPattern: Sendable {
    private struct Step: Sendable {
        /// One bit per ASCII character.
        var low: UInt64 = 0
        var high: UInt64 = 0
        var min = 1
        var max = 1

        mutating func insert(_ byte: UInt8) {
            if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
        }

        func contains(_ byte: UInt8) -> Bool {
            byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte - 64) & 1 == 1
        }

        func overlaps(_ other: Step) -> Bool { low & other.low | high & other.high != 0 }
    }

    /// The reason a pattern is outside the supported subset.
    package struct Unsupported: Error, Sendable {
        package let reason: String
    }

    /// The pattern as written.
    package let text: String
    private var steps: [Step] = []

    /// Takes a pattern that the generator has checked.
    package init(_ checked: StaticString) {
        do throws(Unsupported) {
            try self.init(parsing: "\(checked)")
        } catch {
            preconditionFailure("\(checked): \(error.reason)")
        }
    }

    /// Parses `text`; throws what is not supported.
    package init(parsing text: String) throws(Unsupported) {
        self.text = text
        var rest = Array(text.utf8)[...]
        guard rest.popFirst() == UInt8(ascii: "^"), rest.popLast() == UInt8(ascii: "$") else {
            throw Unsupported(reason: "must start with ^ and end with $")
        }
        while let byte = rest.popFirst() {
            var step = Step()
            switch byte {
            case UInt8(ascii: "["): try Self.readClass(&rest, into: &step)
            case UInt8(ascii: "\\"): step.insert(try Self.escaped(&rest))
            case _ where byte < 0x20 || byte >= 0x7F || ".^$()|*+?{}]".utf8.contains(byte):
                throw Unsupported(reason: "has \(Character(Unicode.Scalar(byte))) outside a class")
            default: step.insert(byte)
            }
            try Self.readCount(&rest, into: &step)
            steps.append(step)
        }
        try refuseAmbiguity()
    }

    private static func escaped(_ rest: inout ArraySlice<UInt8>) throws(Unsupported) -> UInt8 {
        guard let byte = rest.popFirst(), !UInt8.isAlphanumeric(byte), byte < 0x80 else {
            throw Unsupported(reason: "has an escape of something other than punctuation")
        }
        return byte
    }

    private static func readClass(_ rest: inout ArraySlice<UInt8>, into step: inout Step) throws(Unsupported) {
        if rest.first == UInt8(ascii: "^") { throw Unsupported(reason: "has a negated class") }
        var isEmpty = true
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "]") {
                if isEmpty { throw Unsupported(reason: "has an empty class") }
                return
            }
            guard byte >= 0x20, byte < 0x7F else { throw Unsupported(reason: "has a non-ASCII character") }
            let first = byte == UInt8(ascii: "\\") ? try escaped(&rest) : byte
            var last = first
            if rest.first == UInt8(ascii: "-"), rest.dropFirst().first != UInt8(ascii: "]") {
                rest.removeFirst()
                guard let end = rest.popFirst(), end >= first, end < 0x7F, end != UInt8(ascii: "\\") else {
                    throw Unsupported(reason: "has a range in the wrong order")
                }
                last = end
            }
            for member in first...last { step.insert(member) }
            isEmpty = false
        }
        throw Unsupported(reason: "has a class that is not closed")
    }

    private static func readCount(_ rest: inout ArraySlice<UInt8>, into step: inout Step) throws(Unsupported) {
        switch rest.first {
        case UInt8(ascii: "?"): (step.min, step.max) = (0, 1)
        case UInt8(ascii: "*"): (step.min, step.max) = (0, .max)
        case UInt8(ascii: "+"): (step.min, step.max) = (1, .max)
        case UInt8(ascii: "{"):
            guard let close = rest.firstIndex(of: UInt8(ascii: "}")) else {
                throw Unsupported(reason: "has a count that is not closed")
            }
            let parts = rest[..<close].dropFirst().split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            let bounds = parts.map { Int(String(decoding: $0, as: UTF8.self)) }
            guard let first = bounds.first, let min = first, parts.count <= 2 else {
                throw Unsupported(reason: "has a count that is not a number")
            }
            step.min = min
            step.max = parts.count == 1 ? min : parts[1].isEmpty ? .max : bounds[1] ?? -1
            guard step.min <= step.max else { throw Unsupported(reason: "has a count in the wrong order") }
            rest = rest[close...]
        default: return
        }
        rest.removeFirst()
        if let next = rest.first, "?*+{".utf8.contains(next) { throw Unsupported(reason: "has two counts in a row") }
    }

    private func refuseAmbiguity() throws(Unsupported) {
        for (position, step) in steps.enumerated() where step.min != step.max {
            for later in steps[(position + 1)...] {
                if step.overlaps(later) { throw Unsupported(reason: "is ambiguous where a count ends") }
                if later.min > 0 { break }
            }
        }
    }

    /// Whether `bytes` match as a whole.
    package func matches(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var position = 0
        for step in steps {
            var count = 0
            while count < step.max, position < bytes.count, step.contains(bytes[position]) {
                count += 1
                position += 1
            }
            if count < step.min { return false }
        }
        return position == bytes.count
    }
}

extension UInt8 {
    fileprivate static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

extension JSONReader {
    /// Reads a string of `min` to `max` characters that matches `pattern`.
    package mutating func string(min: Int, max: Int = .max, pattern: TextPattern) throws(JSONError) -> String {
        let offset = valueOffset()
        var text = try string(min: min, max: max)
        guard text.withUTF8({ pattern.matches($0) }) else { throw fail(at: offset, "does not match \(pattern.text)") }
        return text
    }
}
