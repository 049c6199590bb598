package import CSV

/// Reads one file of a Letterboxd export in chunks: bytes to rows, nothing else.
package struct LetterboxdReader: Sendable {
    package enum Item: Sendable, Hashable {
        /// The first item, once the kind of file is known.
        case file(LetterboxdFile)
        case list(LetterboxdList)
        case row(LetterboxdRow)
    }

    /// Why a file cannot be read.
    package enum Failure: Error, Sendable, Hashable {
        case csv(CSVError)
        /// The header fits several kinds; reading requires one of them to be given.
        case unclear([LetterboxdFile.Kind])
        case unknown
    }

    private enum State {
        /// Waits for the header, skipping blank lines and the marker → rows, listFacts or failed.
        case header
        /// Waits for the list's own details → listHeader.
        case listFacts(LetterboxdCells)
        /// Waits for the header of the list's films, skipping blank lines → rows.
        case listHeader
        case rows(LetterboxdCells, isOfFilms: Bool)
        case failed(Failure)
    }

    private var reader: CSVReader
    private var state = State.header
    private let path: String
    private let kind: LetterboxdFile.Kind?

    /// `path` is the file's path within its archive, or its name; `kind` is what the person said it is.
    package init(path: String, kind: LetterboxdFile.Kind? = nil, limits: CSVLimits = CSVLimits()) {
        reader = CSVReader(limits: limits)
        self.path = path
        self.kind = kind
    }

    /// Whether the file ends inside quotes.
    package var isCutShort: Bool { reader.isCutShort }

    /// Parses a chunk; `show` receives every complete item.
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

    /// Ends the file. An empty file has no items and is not a failure.
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
            // Without its header a list cannot be read; the details of the list itself may be missing.
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
