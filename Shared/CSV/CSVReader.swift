/// Bounds of a CSV file; a record beyond them is refused, and the file goes on behind it.
package struct CSVLimits: Sendable, Hashable {
    /// Bytes of one record, quotes taken off.
    package var recordBytesMax = 1 << 20
    /// Fields of one record.
    package var fieldsMax = 1_000
    /// Bytes that may pass before the first record ends, while the separator is still to be found.
    package var headerBytesMax = 64 << 10

    package init() {}

    package init(recordBytesMax: Int, fieldsMax: Int, headerBytesMax: Int) {
        self.recordBytesMax = recordBytesMax
        self.fieldsMax = fieldsMax
        self.headerBytesMax = headerBytesMax
    }
}

/// Why a file cannot be read as CSV.
package enum CSVError: Error, Sendable, Hashable {
    /// Nothing but U+0000, as damaged archives have it.
    case onlyNUL
    /// A byte order mark of UTF-16 or UTF-32.
    case notUTF8
    /// The first record, which says what the others are, is refused. `line` as that of a record.
    case refusedHeader(CSVRefusal, line: Int)
}

/// Why a record cannot be read.
package enum CSVRefusal: Sendable, Hashable {
    case tooLong
    case tooManyFields
    /// The file ends within quotes: it is cut short, or one quote swallowed the rest of it.
    case openQuote
}

/// One record; valid only while the reader shows it.
package struct CSVRecord: Sendable {
    fileprivate(set) var bytes: [UInt8] = []
    /// Where each field ends in `bytes`.
    fileprivate(set) var ends: [Int] = []
    /// Line on which the record begins, from 1; where its quote is open, the line of that. Line ends within quotes count.
    package fileprivate(set) var line = 1
    /// Such a record has no fields.
    package fileprivate(set) var refusal: CSVRefusal?

    package var count: Int { ends.count }

    /// An empty line.
    package var isBlank: Bool { ends.count == 1 && ends[0] == 0 }

    /// The bytes of a field; empty for one that the record lacks.
    package func field(_ index: Int) -> ArraySlice<UInt8> {
        guard ends.indices.contains(index) else { return [] }
        return bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// The field as text; nil where it is no UTF-8 or holds U+0000.
    package func text(_ index: Int) -> String? {
        let bytes = field(index)
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    fileprivate mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        refusal = nil
    }

    fileprivate mutating func refuse(_ refusal: CSVRefusal) {
        removeAll()
        self.refusal = refusal
    }
}

/// Reads CSV (RFC 4180) in chunks of any size, holding one record at a time.
///
/// Lines end with CRLF, LF or CR, also mixed; quoted fields may hold them. A byte order mark is skipped. Of `,` `;` and tab
/// the one that the first record has most often, outside of quotes, separates fields. Quotes within an unquoted field, and
/// text after a closing quote, are taken as they are, as spreadsheets do.
package struct CSVReader: Sendable {
    private enum State {
        /// At the front of a field → unquoted, quoted, or the next field.
        case start
        /// → start at a separator or line end.
        case unquoted
        /// → closing at a quote.
        case quoted
        /// After a quote within quotes → quoted at a second one, else unquoted or start.
        case closing
    }

    private let limits: CSVLimits
    private var state = State.start
    private var record = CSVRecord()
    /// Nil until it has been found; what came until then waits in `opening`.
    private var separator: UInt8?
    private var opening: [UInt8] = []
    /// Whether the byte order mark has been looked for and the separator is known.
    private var isOpen = false
    private var line = 1
    private var quoteLine = 1
    private var endedWithCR = false
    private var hasOnlyNUL = true
    private var isEmpty = true
    /// Whether a record that is not blank has been shown.
    private var hasHeader = false
    /// Whether the file has ended within quotes.
    package private(set) var isCutShort = false

    /// `separator` says what parts fields; nil finds it out.
    package init(limits: CSVLimits = CSVLimits(), separator: UInt8? = nil) {
        self.limits = limits
        self.separator = separator
    }

    /// What separates fields, once that is known.
    package var foundSeparator: UInt8? { separator }

    /// Reads on; `show` gets each record that is complete.
    package mutating func feed(
        _ chunk: some Collection<UInt8>, _ show: (borrowing CSVRecord) -> Void
    ) throws(CSVError) {
        var outcome = Result<Void, CSVError>.success(())
        let isContiguous: Void? = chunk.withContiguousStorageIfAvailable { bytes in
            outcome = Result { () throws(CSVError) in try take(bytes, show) }
        }
        if isContiguous == nil {
            Array(chunk).withUnsafeBufferPointer { bytes in
                outcome = Result { () throws(CSVError) in try take(bytes, show) }
            }
        }
        try outcome.get()
    }

    /// The end of the file; shows a last record without a line end.
    package mutating func finish(_ show: (borrowing CSVRecord) -> Void) throws(CSVError) {
        if isEmpty { return }
        if hasOnlyNUL { throw .onlyNUL }
        if !isOpen { try open(isEnd: true, show) }
        if state == .quoted {
            isCutShort = true
            record.line = quoteLine
            try refuse(.openQuote)
        }
        if state != .start || record.count > 0 || record.refusal != nil { try endRecord(show) }
    }

    private mutating func take(
        _ chunk: UnsafeBufferPointer<UInt8>, _ show: (borrowing CSVRecord) -> Void
    ) throws(CSVError) {
        var bytes = chunk
        isEmpty = isEmpty && bytes.isEmpty
        if hasOnlyNUL {
            // A damaged front is left out: a file of nothing else must not be kept to see that.
            guard let first = bytes.firstIndex(where: { $0 != 0 }) else { return }
            hasOnlyNUL = false
            bytes = UnsafeBufferPointer(rebasing: bytes[first...])
        }
        if isOpen { return try read(bytes, show) }
        opening.append(contentsOf: bytes)
        try open(isEnd: false, show)
    }

    /// Looks at the front of the file as soon as there is enough of it.
    private mutating func open(isEnd: Bool, _ show: (borrowing CSVRecord) -> Void) throws(CSVError) {
        let isEnough = isEnd || opening.count >= limits.headerBytesMax
        if opening.starts(with: [0xFF, 0xFE]) || opening.starts(with: [0xFE, 0xFF]) { throw .notUTF8 }
        guard isEnough || opening.count >= 3 else { return }
        if separator == nil {
            // However much has come: where a file is cut into pieces must make no difference.
            let front = opening.prefix(limits.headerBytesMax)
            guard let found = Self.separator(front, isEnough: isEnough) else { return }
            separator = found
        }
        isOpen = true
        let waiting = opening
        opening = []
        let mark = waiting.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var outcome = Result<Void, CSVError>.success(())
        waiting.withUnsafeBufferPointer { bytes in
            outcome = Result { () throws(CSVError) in try read(UnsafeBufferPointer(rebasing: bytes[mark...]), show) }
        }
        try outcome.get()
    }

    /// The most frequent of the separators in the first record that has any; nil while it is not complete.
    private static func separator(_ bytes: ArraySlice<UInt8>, isEnough: Bool) -> UInt8? {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in bytes {
            if byte == quote { isQuoted.toggle() }
            if isQuoted { continue }
            switch byte {
            case comma, semicolon, tab: counts[byte, default: 0] += 1
            case newline, carriageReturn:
                if let best = best(counts) { return best }
            default: break
            }
        }
        return isEnough ? best(counts) ?? comma : nil
    }

    private static func best(_ counts: [UInt8: Int]) -> UInt8? {
        [comma, semicolon, tab].filter { counts[$0] != nil }.max { (counts[$0] ?? 0) < (counts[$1] ?? 0) }
    }

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")
    private static let semicolon = UInt8(ascii: ";")
    private static let tab = UInt8(ascii: "\t")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private mutating func read(
        _ bytes: UnsafeBufferPointer<UInt8>, _ show: (borrowing CSVRecord) -> Void
    ) throws(CSVError) {
        let separator = separator ?? Self.comma
        var position = 0
        let end = bytes.count
        while position < end {
            let byte = bytes[position]
            if endedWithCR {
                endedWithCR = false
                if byte == Self.newline, state != .quoted {
                    position += 1
                    continue
                }
            }
            switch state {
            case .start where byte == Self.quote:
                state = .quoted
                quoteLine = line
                position += 1
            case .start, .unquoted:
                position = try readPlain(bytes, from: position, separator, show)
            case .quoted:
                position = try readQuoted(bytes, from: position)
            case .closing:
                if byte == Self.quote {
                    try append(bytes[position..<position + 1])
                    state = .quoted
                    position += 1
                } else {
                    state = .unquoted
                }
            }
        }
    }

    /// Reads up to and with the separator or line end.
    private mutating func readPlain(
        _ bytes: UnsafeBufferPointer<UInt8>, from start: Int, _ separator: UInt8, _ show: (borrowing CSVRecord) -> Void
    ) throws(CSVError) -> Int {
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            if byte == separator || byte == Self.newline || byte == Self.carriageReturn { break }
            position += 1
        }
        try append(bytes[start..<position])
        guard position < bytes.count else {
            if position > start { state = .unquoted }
            return position
        }
        switch bytes[position] {
        case separator: try endField()
        case Self.newline: try endRecord(show)
        default:
            endedWithCR = true
            try endRecord(show)
        }
        return position + 1
    }

    /// Reads up to and with the next quote.
    private mutating func readQuoted(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) throws(CSVError) -> Int {
        var position = start
        while position < bytes.count, bytes[position] != Self.quote {
            if bytes[position] == Self.newline { line += 1 }
            position += 1
        }
        try append(bytes[start..<position])
        guard position < bytes.count else { return position }
        state = .closing
        return position + 1
    }

    private mutating func append(_ run: Slice<UnsafeBufferPointer<UInt8>>) throws(CSVError) {
        guard !run.isEmpty else { return }
        // Of a record that is refused only the end is looked for.
        guard record.refusal == nil else { return }
        guard record.bytes.count + run.count <= limits.recordBytesMax else { return try refuse(.tooLong) }
        record.bytes.append(contentsOf: UnsafeBufferPointer(rebasing: run))
    }

    private mutating func endField() throws(CSVError) {
        state = .start
        guard record.refusal == nil else { return }
        guard record.ends.count < limits.fieldsMax else { return try refuse(.tooManyFields) }
        record.ends.append(record.bytes.count)
    }

    private mutating func refuse(_ refusal: CSVRefusal) throws(CSVError) {
        guard hasHeader else { throw .refusedHeader(refusal, line: record.line) }
        record.refuse(refusal)
    }

    private mutating func endRecord(_ show: (borrowing CSVRecord) -> Void) throws(CSVError) {
        try endField()
        hasHeader = hasHeader || !record.isBlank
        show(record)
        record.removeAll()
        line += 1
        record.line = line
    }
}
