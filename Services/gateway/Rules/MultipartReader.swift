/// Reads `multipart/form-data` (RFC 7578) in chunks of any size, holding no more of a file than what may be the start
/// of the next delimiter.
struct MultipartReader: Sendable {
    enum Event: Sendable, Hashable {
        /// A file begins, under the name that the client gave it; nil for a field that is not a file.
        case part(file: String?)
        case bytes([UInt8])
        /// The part has ended.
        case end
    }

    enum Failure: Error, Sendable, Hashable {
        /// The header of a part is longer than `headerBytesMax`.
        case headerTooLong
        /// The body ended before its last delimiter.
        case cut
        case tooManyParts
    }

    private enum State {
        /// Before the first part, and between a delimiter and what says whether a part follows → header, over.
        case preamble, parted
        /// → body
        case header
        /// → parted
        case body
        case over
    }

    static let headerBytesMax = 8 << 10
    static let partsMax = 200

    /// The delimiter of parts: a line end, two dashes, the boundary.
    private let mark: [UInt8]
    private var buffer: [UInt8]
    private var state = State.preamble
    private var partCount = 0

    init(boundary: String) {
        mark = [13, 10, 45, 45] + Array(boundary.utf8)
        // The first delimiter may be at the very start, where no line has ended.
        buffer = [13, 10]
    }

    /// Returns the boundary of a content type; nil if that is not multipart/form-data.
    static func boundary(of contentType: String) -> String? {
        let parts = contentType.split(separator: ";").map { trimmed($0) }
        guard parts.first?.lowercased() == "multipart/form-data" else { return nil }
        for part in parts.dropFirst() where part.lowercased().hasPrefix("boundary=") {
            var value = part.dropFirst("boundary=".count)
            if value.hasPrefix("\""), value.hasSuffix("\""), value.count >= 2 { value = value.dropFirst().dropLast() }
            return (1...70).contains(value.utf8.count) ? String(value) : nil
        }
        return nil
    }

    mutating func feed(_ chunk: [UInt8], _ show: (Event) -> Void) throws(Failure) {
        buffer += chunk
        while try step(show) {}
    }

    mutating func finish() throws(Failure) {
        guard case .over = state else { throw .cut }
    }

    /// Does what the buffer allows; returns false if more is needed.
    private mutating func step(_ show: (Event) -> Void) throws(Failure) -> Bool {
        switch state {
        case .preamble:
            guard let place = Self.find(mark, in: buffer) else {
                buffer.removeFirst(max(0, buffer.count - mark.count))
                return false
            }
            buffer.removeFirst(place + mark.count)
            state = .parted
        case .parted:
            // Two dashes end the body; spaces may precede the line end.
            guard let end = Self.find([13, 10], in: buffer) else {
                if buffer.starts(with: [45, 45]) { state = .over }
                guard buffer.count <= Self.headerBytesMax else { throw .headerTooLong }
                return false
            }
            if buffer.starts(with: [45, 45]) {
                state = .over
            } else {
                buffer.removeFirst(end)
                state = .header
            }
        case .header:
            // The line end before the first field is still here, so that a part without fields ends like the others.
            guard let end = Self.find([13, 10, 13, 10], in: buffer) else {
                guard buffer.count <= Self.headerBytesMax else { throw .headerTooLong }
                return false
            }
            guard end <= Self.headerBytesMax else { throw .headerTooLong }
            partCount += 1
            guard partCount <= Self.partsMax else { throw .tooManyParts }
            show(.part(file: Self.fileName(in: Array(buffer[..<end]))))
            // The line end that closes the header may belong to the delimiter: a part may have no bytes.
            buffer.removeFirst(end + 2)
            skippedCount = 2
            state = .body
        case .body:
            guard let place = Self.find(mark, in: buffer) else {
                let ready = max(0, buffer.count - mark.count)
                hand(on: ready, show)
                return false
            }
            hand(on: place, show)
            buffer.removeFirst(mark.count)
            skippedCount = 0
            show(.end)
            state = .parted
        case .over:
            buffer.removeAll()
            return false
        }
        return true
    }

    /// The number of bytes at the front of the buffer that belong to the header.
    private var skippedCount = 0

    private mutating func hand(on count: Int, _ show: (Event) -> Void) {
        let skipped = min(skippedCount, count)
        skippedCount -= skipped
        if skipped < count { show(.bytes(Array(buffer[skipped..<count]))) }
        buffer.removeFirst(count)
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= pattern.count, let first = pattern.first else { return nil }
        var place = 0
        let last = bytes.count - pattern.count
        while place <= last {
            if bytes[place] == first, bytes[place..<place + pattern.count].elementsEqual(pattern) { return place }
            place += 1
        }
        return nil
    }

    /// Returns the file name in a part's header: the path if that stays within the folder that was sent, since what a
    /// file is may depend on it (`deleted/diary.csv`); otherwise its last component.
    private static func fileName(in header: [UInt8]) -> String? {
        let lines = String(decoding: header, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }) else { return nil }
        guard let start = line.firstRange(of: "filename=") else { return nil }
        let told = value(line[start.upperBound...])
        let parts = told.split { $0 == "/" || $0 == "\\" }.filter { $0 != "." }
        let isWithin = told.first != "/" && told.first != "\\" && !parts.contains { $0 == ".." || $0.contains(":") }
        let name = isWithin ? parts.joined(separator: "/") : parts.last.map(String.init) ?? ""
        return name.isEmpty ? "file" : name
    }

    /// The parameter value at the start: quoted, where `\"` is a quote, or a bare word, as some clients write it.
    private static func value(_ text: Substring) -> String {
        guard text.first == "\"" else { return String(text.prefix { $0 != ";" && !$0.isWhitespace }) }
        var (value, rest) = ("", text.dropFirst())
        while let character = rest.popFirst(), character != "\"" {
            if character == "\\", rest.first == "\"" {
                value.append(rest.removeFirst())
            } else {
                value.append(character)
            }
        }
        return value
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
