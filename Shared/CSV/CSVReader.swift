/// Bounds of a CSV file; a record that exceeds them is refused, and reading continues after it.
package struct CSVLimits: Sendable, Hashable {
    /// Bytes of one record, without its quotes.
    package var recordBytesMax = 1 << 20
    /// Fields of one record.
    package var fieldsMax = 1_000
    /// Bytes before the end of the first record, while the separator is yet to be found.
    package var headerBytesMax = 64 << 10

    package init() {}

    package init(recordBytesMax: Int, fieldsMax: Int, headerBytesMax: Int) {
        self.recordBytesMax = recordBytesMax
        self.fieldsMax = fieldsMax
        self.headerBytesMax = headerBytesMax
    }
}

/// The reason a file cannot be read as CSV.
package enum CSVError: Error, Sendable, Hashable {
    /// Nothing but U+0000, as in damaged archives.
    case onlyNUL
    /// A UTF-16 or UTF-32 byte order mark.
    case notUTF8
    /// The first record, which names the fields of the others, is refused. `line` is counted as for a record.
    case refusedHeader(CSVRefusal, line: Int)
}

/// The reason a record cannot be read.
package enum CSVRefusal: Sendable, Hashable {
    case tooLong
    case tooManyFields
    /// The file ends within quotes: it was truncated, or one quote swallowed the rest of it.
    case openQuote
}

/// One record; valid only while the reader's closure runs.
package struct CSVRecord: Sendable {
    fileprivate(set) var bytes: [UInt8] = []
    /// The end of each field in `bytes`.
    fileprivate(set) var ends: [Int] = []
    /// The line on which the record begins, from 1; for an open quote, the line of that quote. Line ends within quotes
    /// count.
    package fileprivate(set) var line = 1
    /// The reason the record is refused; such a record has no fields.
    package fileprivate(set) var refusal: CSVRefusal?

    package var count: Int { ends.count }

    /// Whether the line is empty.
    package var isBlank: Bool { ends.count == 1 && ends[0] == 0 }

    /// Returns the bytes of a field; empty if the record lacks it.
    package func field(_ index: Int) -> ArraySlice<UInt8> {
        guard ends.indices.contains(index) else { return [] }
        return bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    /// Returns the field as text; nil if it is not UTF-8 or contains U+0000.
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
/// Lines end with CRLF, LF or CR, possibly mixed; quoted fields may contain them. A byte order mark is skipped. The
/// separator is the one of `,`, `;` and tab that the first record contains most often outside quotes. Quotes within an
/// unquoted field, and text after a closing quote, are kept as they are, as spreadsheets do.
package struct CSVReader: Sendable {
    private enum State {
        /// At the start of a field → unquoted, quoted, or the next field.
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
    /// Nil until it is found; until then input is kept in `opening`.
    private var separator: UInt8?
    private var opening: [UInt8] = []
    /// Whether the byte order mark was checked and the separator is known.
    private var isOpen = false
    private var line = 1
    private var quoteLine = 1
    private var endedWithCR = false
    private var hasOnlyNUL = true
    private var isEmpty = true
    /// Whether a record that is not blank has been shown.
    private var hasHeader = false
    /// Whether the file ended within quotes.
    package private(set) var isCutShort = false

    /// `separator` separates fields; nil detects it.
    package init(limits: CSVLimits = CSVLimits(), separator: UInt8? = nil) {
        self.limits = limits
        self.separator = separator
    }

    /// The separator of fields, once known.
    package var foundSeparator: UInt8? { separator }

    /// Reads a chunk; `show` receives each complete record.
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

    /// Ends the file; shows a last record without a line end.
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
            // A damaged start is skipped: a file of nothing else need not be buffered to find out.
            guard let first = bytes.firstIndex(where: { $0 != 0 }) else { return }
            hasOnlyNUL = false
            bytes = UnsafeBufferPointer(rebasing: bytes[first...])
        }
        if isOpen { return try read(bytes, show) }
        opening.append(contentsOf: bytes)
        try open(isEnd: false, show)
    }

    /// Inspects the start of the file as soon as there is enough of it.
    private mutating func open(isEnd: Bool, _ show: (borrowing CSVRecord) -> Void) throws(CSVError) {
        let isEnough = isEnd || opening.count >= limits.headerBytesMax
        if opening.starts(with: [0xFF, 0xFE]) || opening.starts(with: [0xFE, 0xFF]) { throw .notUTF8 }
        guard isEnough || opening.count >= 3 else { return }
        if separator == nil {
            // Bounded however much has arrived: chunk boundaries must make no difference.
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

    /// The most frequent separator of the first record that contains any; nil while that record is incomplete.
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

    /// Reads up to and including the separator or line end.
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

    /// Reads up to and including the next quote.
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
        // Only the end of a refused record matters.
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
