package import CSV

/// Reads one file of a Letterboxd export in chunks: bytes to rows, nothing else.
package struct LetterboxdReader: Sendable {
    package enum Item: Sendable, Hashable {
        /// The first, once it is known what the file is.
        case file(LetterboxdFile)
        case list(LetterboxdList)
        case row(LetterboxdRow)
    }

    /// Why a file cannot be read.
    package enum Failure: Error, Sendable, Hashable {
        case csv(CSVError)
        /// The header fits several kinds; reading on needs one of them.
        case unclear([LetterboxdFile.Kind])
        case unknown
    }

    private enum State {
        /// Waits for the header, past blank lines and the marker → rows, listFacts or failed.
        case header
        /// A list's own facts come next → listHeader.
        case listFacts(LetterboxdCells)
        /// The header of the films of a list comes next, past blank lines → rows.
        case listHeader
        case rows(LetterboxdCells, isOfFilms: Bool)
        case failed(Failure)
    }

    private var reader: CSVReader
    private var state = State.header
    private let path: String
    private let kind: LetterboxdFile.Kind?

    /// `path` is the file's within its archive, or its name; `kind` what somebody said that it is.
    package init(path: String, kind: LetterboxdFile.Kind? = nil, limits: CSVLimits = CSVLimits()) {
        reader = CSVReader(limits: limits)
        self.path = path
        self.kind = kind
    }

    /// Whether the file ends within quotes.
    package var isCutShort: Bool { reader.isCutShort }

    /// Reads on; `show` gets what is complete.
    package mutating func feed(_ chunk: some Collection<UInt8>, _ show: (Item) -> Void) throws(Failure) {
        var state = state
        let (path, kind) = (path, kind)
        defer { self.state = state }
        do throws(CSVError) {
            try reader.feed(chunk) { record in Self.take(record, &state, path, kind, show) }
        } catch {
            throw .csv(error)
        }
        if case .failed(let failure) = state { throw failure }
    }

    /// The end of the file. An empty file holds nothing and is no failure.
    package mutating func finish(_ show: (Item) -> Void) throws(Failure) {
        var state = state
        let (path, kind) = (path, kind)
        defer { self.state = state }
        do throws(CSVError) {
            try reader.finish { record in Self.take(record, &state, path, kind, show) }
        } catch {
            throw .csv(error)
        }
        if case .failed(let failure) = state { throw failure }
    }

    private static func take(
        _ record: borrowing CSVRecord, _ state: inout State, _ path: String, _ kind: LetterboxdFile.Kind?,
        _ show: (Item) -> Void
    ) {
        if record.isBlank { return }
        if let refusal = record.refusal {
            // Without its header a list cannot be read; what is told of the list itself may be missing.
            switch state {
            case .header, .listHeader: state = .failed(.csv(.refusedHeader(refusal, line: record.line)))
            case .failed: break
            case .listFacts: state = .listHeader
            case .rows: break
            }
            if case .failed = state { return }
            var row = LetterboxdRow()
            (row.line, row.refusal) = (record.line, refusal)
            return show(.row(row))
        }
        switch state {
        case .header:
            state = opened(record, path, kind, show)
        case .listFacts(let cells):
            show(.list(cells.list(record)))
            state = .listHeader
        case .listHeader:
            let header = texts(record)
            state =
                LetterboxdFile.recognise(header: header, path: path).isList
                ? .rows(LetterboxdCells(header: header), isOfFilms: true) : .failed(.unknown)
        case .rows(let cells, let isOfFilms):
            show(.row(cells.row(record, isOfFilm: isOfFilms)))
        case .failed: break
        }
    }

    private static func opened(
        _ record: borrowing CSVRecord, _ path: String, _ kind: LetterboxdFile.Kind?, _ show: (Item) -> Void
    ) -> State {
        let header = texts(record)
        if header.count == 1, header[0].hasPrefix("Letterboxd list export v") { return .header }
        var file: LetterboxdFile
        switch LetterboxdFile.recognise(header: header, path: path) {
        case .known(let known): file = known
        case .unclear(let kinds):
            guard let kind, kinds.contains(kind) else { return .failed(.unclear(kinds)) }
            file = LetterboxdFile(kind: kind, section: LetterboxdFile.section(path))
        case .unknown: return .failed(.unknown)
        }
        show(.file(file))
        let cells = LetterboxdCells(header: header)
        switch file.kind {
        case .list where !header.contains(where: { LetterboxdColumn.normalized($0) == "position" }):
            return .listFacts(cells)
        case .profile, .comments, .likedLists, .likedReviews: return .rows(cells, isOfFilms: false)
        default: return .rows(cells, isOfFilms: true)
        }
    }

    private static func texts(_ record: borrowing CSVRecord) -> [String] {
        var texts: [String] = []
        for index in 0..<record.count { texts.append(record.text(index) ?? "") }
        return texts
    }
}

extension LetterboxdFile.Recognition {
    fileprivate var isList: Bool {
        if case .known(let file) = self { file.kind == .list } else { false }
    }
}
