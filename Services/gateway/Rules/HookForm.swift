internal import Contracts
internal import Edge

/// What a media server sends, taken out of the form in which it sends it.
enum HookForm: Sendable, Hashable {
    /// The JSON text.
    case told(String)
    case failed(HookFault)

    /// The names of the part or field that holds it.
    private static let names = ["payload", "data"]
    /// The maximum number of parts of a form that are examined.
    private static let partsMax = 20

    init(_ body: EdgeBody) {
        if body.isTooLarge {
            self = .failed(.tooLarge)
            return
        }
        let type = body.contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        let bytes: ArraySlice<UInt8>?
        switch type {
        case "multipart/form-data": bytes = Self.part(of: body)
        // Some servers send JSON but declare a form.
        case "application/x-www-form-urlencoded" where Self.begins(body.bytes[...]): bytes = Self.whole(body)
        case "application/x-www-form-urlencoded": bytes = Self.field(of: body)
        case "", "application/json", "text/json", "text/plain": bytes = Self.whole(body)
        default:
            self = .failed(.wrongType)
            return
        }
        guard let bytes else {
            self = .failed(body.isCut ? .tooLarge : .unreadable)
            return
        }
        guard bytes.count <= HookLimits.payloadBytesMax else {
            self = .failed(.tooLarge)
            return
        }
        // JSON has no control characters but tabs and line breaks; others would be escaped, and so grow, on their way.
        let isPlain = !bytes.contains { $0 < 0x20 && $0 != 9 && $0 != 10 && $0 != 13 }
        guard !bytes.isEmpty, isPlain, let text = String(validating: bytes, as: UTF8.self) else {
            self = .failed(.unreadable)
            return
        }
        self = .told(text)
    }

    private static func begins(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.first { $0 > 0x20 } == UInt8(ascii: "{")
    }

    private static func whole(_ body: EdgeBody) -> ArraySlice<UInt8>? { body.isCut ? nil : body.bytes[...] }

    private static func field(of body: EdgeBody) -> ArraySlice<UInt8>? {
        guard !body.isCut, let text = String(validating: body.bytes, as: UTF8.self),
            let fields = PercentText.query(text, countMax: partsMax)
        else { return nil }
        return fields.first { names.contains($0.name) }.map { Array($0.value.utf8)[...] }
    }

    /// Returns the part of that name (RFC 7578). It must be complete; what follows it may be cut off.
    private static func part(of body: EdgeBody) -> ArraySlice<UInt8>? {
        guard let boundary = boundary(body.contentType) else { return nil }
        let mark = Array("--\(boundary)".utf8)
        let bytes = body.bytes[...]
        var place = find(mark, in: bytes)
        for _ in 0..<partsMax {
            guard let start = place?.upperBound, bytes[start...].starts(with: [13, 10]),
                let headEnd = find([13, 10, 13, 10], in: bytes[start...]),
                let end = find([13, 10] + mark, in: bytes[(headEnd.upperBound - 2)...])
            else { return nil }
            let head = String(decoding: bytes[start..<headEnd.lowerBound], as: UTF8.self)
            if let name = name(head), names.contains(name) {
                return bytes[headEnd.upperBound..<max(end.lowerBound, headEnd.upperBound)]
            }
            place = end
        }
        return nil
    }

    private static func boundary(_ contentType: String) -> String? {
        let found = parameter("boundary", of: contentType)
        return found.flatMap { (1...70).contains($0.utf8.count) ? $0 : nil }
    }

    /// Returns the name of a part, from its Content-Disposition.
    private static func name(_ head: String) -> String? {
        let line = head.split(whereSeparator: \.isNewline).first { $0.lowercased().hasPrefix("content-disposition:") }
        return line.flatMap { parameter("name", of: String($0)) }
    }

    private static func parameter(_ name: String, of field: String) -> String? {
        for part in field.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == name else { continue }
            let value = pair[1].drop { $0 == " " }
            if value.first == "\"" { return String(value.dropFirst().prefix { $0 != "\"" }) }
            return String(value.prefix { $0 != " " })
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Range<Int>? {
        guard let first = pattern.first else { return nil }
        var index = bytes.startIndex
        while let next = bytes[index...].firstIndex(of: first), next + pattern.count <= bytes.endIndex {
            if bytes[next..<(next + pattern.count)].elementsEqual(pattern) { return next..<(next + pattern.count) }
            index = next + 1
        }
        return nil
    }
}
