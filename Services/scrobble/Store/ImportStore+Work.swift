import Contracts
import JSON
import Postgres
import Store

/// The writes of import workers. They return false or nil once the import is no longer leased to the caller.
///
/// Rows and verdicts are written as `eventual`: the import's progress is stored with them, and its end, which is
/// reported to its person, is flushed to disk together with everything before it.
extension ImportStore {
    func claim(until deadline: ContinuousClock.Instant) async throws(StoreError) -> ImportClaim? {
        let claimed = try await database.rows(
            ImportWorkQueries.claim, [.double(limits.lease.inSeconds)], until: deadline
        ).first
        guard var claim = claimed else { return nil }
        claim.serverRun = try await database.rows(ImportWorkQueries.serverRun, [], until: deadline).first
        return claim
    }

    func facts(
        of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ImportFacts? {
        try await database.rows(ImportWorkQueries.facts, [.id(user), .id(id)], until: deadline).first
    }

    func postpone(
        _ claim: ImportClaim, for wait: Duration, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            ImportWorkQueries.postpone,
            [.id(claim.user), .id(claim.id), .int8(claim.fence), .double(wait.inSeconds)], until: deadline)
    }

    func fail(
        _ claim: ImportClaim, _ problem: String, files: [ImportFile]? = nil, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            ImportWorkQueries.fail,
            [
                .id(claim.user), .id(claim.id), .int8(claim.fence), .text(String(problem.prefix(500))),
                .jsonb(files.map { encodeJSON($0) }),
            ], until: deadline)
    }

    // MARK: Reading

    /// A row to be inserted.
    struct NewRow: Sendable {
        let place: Int
        let key: String?
        let title: TitleQuery?
        /// Whether its title may still have to be stored.
        let bringsTitle: Bool
        let json: [UInt8]

        init(place: Int, key: String?, row: ImportedRow, bringsTitle: Bool = true) {
            self.place = place
            self.key = key
            self.bringsTitle = bringsTitle
            title = row.title
            json = encodeJSON(row)
        }
    }

    func lastPlace(of claim: ImportClaim, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Int {
        try await database.rows(
            ImportWorkQueries.lastPlace, [.id(claim.user), .id(claim.id)], until: deadline
        ).first ?? -1
    }

    /// Stores rows and the titles that they name; existing ones stay as they are.
    func append(
        _ rows: [NewRow], to claim: ImportClaim, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        var queries: [ImportItemKey.Exact: TitleQuery] = [:]
        for row in rows where row.bringsTitle {
            guard let key = row.key.map(ImportItemKey.Exact.init), let title = row.title else { continue }
            if queries[key].map({ $0.ids == ExternalIds() }) ?? true { queries[key] = title }
        }
        // In one order, to avoid deadlocks.
        let items = queries.sorted { ImportItemKey.precedes($0.key.text, $1.key.text) }
        return try await database.transaction(until: deadline, durability: .eventual) { transaction throws(PGError) in
            let isHeld = try await transaction.first(
                ImportWorkQueries.renew,
                [
                    .id(claim.user), .id(claim.id), .int8(claim.fence), .double(limits.lease.inSeconds),
                    .int8(rows.last.map { Int64($0.place + 1) }), .run(claim),
                ])
            guard isHeld == true else { return false }
            if !items.isEmpty {
                try await transaction.execute(
                    ImportWorkQueries.putItems,
                    [
                        .id(claim.user), .id(claim.id), .textArray(items.map(\.key.text)),
                        .jsonbArray(items.map { encodeJSON($0.value) }),
                    ])
            }
            try await transaction.execute(
                ImportWorkQueries.putRows,
                [
                    .id(claim.user), .id(claim.id), .int4Array(rows.map { Int32(clamping: $0.place) }),
                    .textArray(rows.map(\.key)), .jsonbArray(rows.map(\.json)),
                ])
            return true
        }
    }

    /// The result of reading the files.
    struct Reading: Sendable {
        var source: ImportSource?
        var files: [ImportFile] = []
        var isPartial = false
        var rowCount = 0
        /// When the files were written, if they say so.
        var asOf: Timestamp?
        /// Whether a person must say what a file is.
        var isUnclear: Bool { files.contains { $0.mayBe != nil } }
    }

    func finish(
        _ reading: Reading, of claim: ImportClaim, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let isHeld = try await database.transaction(until: deadline) { transaction throws(PGError) in
            let place: [PGValue] = [.id(claim.user), .id(claim.id)]
            let isHeld = try await transaction.first(
                ImportWorkQueries.finishReading,
                place + [
                    .int8(claim.fence), .word(reading.isUnclear ? ImportState.waiting : .matching),
                    .text(reading.source?.rawValue), .json(reading.files), .bool(reading.isPartial),
                    .int8(Int64(reading.rowCount)), .run(claim), .moment(reading.asOf),
                ])
            guard isHeld == true else { return false }
            try await transaction.execute(ImportWorkQueries.judgeLoose, place)
            if !reading.isUnclear, reading.source == .letterboxd {
                let keys = try await transaction.query(NamesakeQueries.find, place)
                try await Self.tellApart(keys, place, in: transaction)
                if !keys.isEmpty { try await transaction.execute(NamesakeQueries.count, place) }
            }
            if !reading.isUnclear { try await transaction.execute(ImportWorkQueries.dropChunks, place) }
            return true
        }
        if isHeld, reading.rowCount >= limits.analysedRowsMin {
            try await database.run(ImportWorkQueries.analyse, [], until: deadline)
        }
        return isHeld
    }

    /// Splits films of one name and year that have different addresses into titles of their own; rows that may mean
    /// either get titles of their own, too.
    private static func tellApart(
        _ keys: [String], _ place: [PGValue], in transaction: PGTransaction
    ) async throws(PGError) {
        guard !keys.isEmpty else { return }
        let those = place + [.textArray(keys)]
        try await transaction.execute(NamesakeQueries.tellApart, those)
        try await transaction.execute(NamesakeQueries.dropEmpty, those)
    }

    /// The key of a row whose name and year are shared by several films, after splitting it from the others' rows if
    /// the previous version left them together.
    func toldApart(
        _ key: String, _ place: Int, of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> String {
        if ImportItemKey.isNamesake(key) { return key }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> String in
            let whole: [PGValue] = [.id(user), .id(id)]
            let isShared = try await transaction.first(NamesakeQueries.isShared, whole + [.text(key)])
            guard isShared == true else { return key }
            try await Self.tellApart([key], whole, in: transaction)
            return try await transaction.first(NamesakeQueries.key, whole + [.int4(Int32(clamping: place))]) ?? key
        }
    }

    // MARK: Matching

    /// The next titles after a key that have not been matched yet.
    func pending(
        of claim: ImportClaim, after key: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PendingItem] {
        try await database.rows(
            ImportWorkQueries.pending,
            [.id(claim.user), .id(claim.id), .int(limits.titlesAtOnce), .text(key)], until: deadline)
    }

    func note(
        _ matches: [(key: String, match: ItemMatch, title: MeantTitle?)], of user: UserID, _ id: ImportID,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !matches.isEmpty else { return }
        try await database.run(
            ImportWorkQueries.matched,
            [
                .id(user), .id(id), .textArray(matches.map(\.key)), .textArray(matches.map(\.match.rawValue)),
                .uuidArray(matches.map { $0.title.map { PGUUID($0.id.uuid) } }),
                .textArray(matches.map { $0.title?.kind.rawValue }),
                .uuidArray(matches.map { $0.title?.series.map { PGUUID($0.uuid) } }),
                .int4Array(matches.map { $0.title?.season.map { Int32(clamping: $0) } }),
                .int4Array(matches.map { $0.title?.episode.map { Int32(clamping: $0) } }),
            ], until: deadline)
    }

    /// Stores a row that could not be read before its person corrected it. Returns its key: if several films share its
    /// name and year, that of its own film by address, or one of its own.
    func adopt(
        _ row: NewRow, to id: ImportID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> String? {
        guard let key = row.key, let query = row.title else { return row.key }
        return try await database.transaction(until: deadline) { transaction throws(PGError) -> String? in
            let (whole, place): ([PGValue], PGValue) = ([.id(user), .id(id)], .int4(Int32(clamping: row.place)))
            let isShared = try await transaction.first(NamesakeQueries.isShared, whole + [.text(key)]) == true
            // The others first, because what is known of them does not apply to this one.
            if isShared { try await Self.tellApart([key], whole, in: transaction) }
            try await transaction.execute(
                ImportWorkQueries.putItems, whole + [.textArray([key]), .jsonbArray([encodeJSON(query)])])
            try await transaction.execute(ImportQueries.correctRow, whole + [place, .jsonb(row.json), .text(key)])
            if isShared { try await Self.tellApart([key], whole, in: transaction) }
            return try await transaction.first(NamesakeQueries.key, whole + [place])
        }
    }

    /// A title that has not been matched yet.
    func pending(
        _ key: String, of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> PendingItem? {
        try await database.rows(
            ImportWorkQueries.pendingItem, [.id(user), .id(id), .text(key)], until: deadline
        ).first
    }

    // MARK: Judging and applying

    /// The next titles with all their rows, about one page of rows; not beyond `last` unless that is empty.
    func nextPage(
        of claim: ImportClaim, after key: String, upTo last: String = "", until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ImportPageOfItems {
        let whole: [PGValue] = [.id(claim.user), .id(claim.id)]
        var rows = try await database.rows(
            ImportWorkQueries.rowsAhead, whole + [.text(key), .int(limits.pageRows), .text(last)], until: deadline)
        guard let end = rows.last else { return ImportPageOfItems(items: [], rows: []) }
        if rows.count >= limits.pageRows {
            rows += try await database.rows(
                ImportWorkQueries.itemRows, whole + [.text(end.key), .int4(Int32(clamping: end.place))], until: deadline
            )
        }
        let items = try await database.rows(
            ImportWorkQueries.items, whole + [.text(key), .text(end.key)], until: deadline)
        return ImportPageOfItems(items: items, rows: rows)
    }

    /// One title with all its rows.
    func page(
        of key: String, _ id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ImportPageOfItems {
        let title: [PGValue] = [.id(user), .id(id), .text(key)]
        let items = try await database.rows(ImportWorkQueries.item, title, until: deadline)
        guard !items.isEmpty else { return ImportPageOfItems(items: [], rows: []) }
        let rows = try await database.rows(ImportWorkQueries.itemRows, title + [.int4(-1)], until: deadline)
        return ImportPageOfItems(items: items, rows: rows)
    }

    /// Writes verdicts of a resting import.
    func note(
        _ verdicts: [RowVerdict], of user: UserID, _ id: ImportID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !verdicts.isEmpty else { return }
        let values = Self.values(verdicts, user, id)
        _ = try await database.run(
            together: [
                ImportSpanQueries.add.bound(Array(values.prefix(4))), ImportWorkQueries.judged.bound(values),
            ], until: deadline)
    }

    /// Writes verdicts and the progress made with them. `isRepeatable` is false if the verdicts are about writes to
    /// another database, because judging them again would yield `same`.
    func advance(
        _ claim: ImportClaim, done: String?, judged: String?, doneCount: Int, _ verdicts: [RowVerdict] = [],
        isRepeatable: Bool = true, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let durability: PGDurability = isRepeatable ? .eventual : .immediate
        return try await database.transaction(until: deadline, durability: durability) { transaction throws(PGError) in
            let isHeld = try await transaction.first(
                ImportWorkQueries.advance,
                [
                    .id(claim.user), .id(claim.id), .int8(claim.fence), .text(done), .text(judged),
                    .int8(Int64(doneCount)), .double(limits.lease.inSeconds), .run(claim),
                ])
            guard isHeld == true else { return false }
            if !verdicts.isEmpty {
                try await transaction.execute(
                    ImportWorkQueries.judged, Self.values(verdicts, claim.user, claim.id))
            }
            return true
        }
    }

    /// The lists of an import that have no titles, as many as a person may have.
    func bareLists(
        of claim: ImportClaim, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [(place: Int, row: ImportedRow)] {
        try await database.rows(
            ImportWorkQueries.bareLists, [.id(claim.user), .id(claim.id), .int(LedgerLimits.listsMax)],
            until: deadline)
    }

    func enter(
        _ state: ImportState, _ claim: ImportClaim, batch: BatchID? = nil, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let rests = state == .ready || state == .applied
        let counts = rests ? try await counts(of: claim.id, claim.user, rests: true, until: deadline) : nil
        return try await database.rows(
            ImportWorkQueries.enter,
            [
                .id(claim.user), .id(claim.id), .int8(claim.fence), .word(state), .bool(rests), .id(batch),
                .jsonb(counts.map { encodeJSON($0) }), .run(claim),
            ], until: deadline
        ).first == true
    }

    /// Ends the import together with its batch; false if it is leased to somebody else by now.
    func finish(
        _ claim: ImportClaim, batch: BatchID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let counts = try await counts(of: claim.id, claim.user, rests: true, until: deadline)
        return try await database.transaction(until: deadline) { transaction throws(PGError) in
            let isHeld = try await transaction.first(
                ImportWorkQueries.enter,
                [
                    .id(claim.user), .id(claim.id), .int8(claim.fence), .word(ImportState.applied), .bool(true),
                    .id(batch), .jsonb(encodeJSON(counts)), .run(claim),
                ])
            guard isHeld == true else { return false }
            // A batch that is being undone stays so.
            _ = try await transaction.query(
                BatchQueries.advance,
                [
                    .id(claim.user), .id(batch), .textArray([BatchState.applying.rawValue]),
                    .word(BatchState.applied), .moment(moment), .jsonb(nil),
                ])
            return true
        }
    }

    private static func values(_ verdicts: [RowVerdict], _ user: UserID, _ id: ImportID) -> [PGValue] {
        [
            .id(user), .id(id), .int4Array(verdicts.map { Int32(clamping: $0.place) }),
            .textArray(verdicts.map(\.verdict.rawValue)), .textArray(verdicts.map(\.reason)),
        ]
    }

    /// Which of some titles are on some lists, with the lists named as their source names them.
    func listed(
        _ titles: [TitleID], on lists: [String], of user: UserID, from source: String,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [KnownListing.Key: KnownListing] {
        let rows = try await database.rows(
            ImportWorkQueries.listed, [.id(user), .text(source), .textArray(lists), .ids(titles)], until: deadline)
        return Dictionary(rows.map { ($0.key, $0) }) { first, _ in first }
    }

    // MARK: Notes

    /// Writes notes. An existing note stays as it is unless `mayReplace`.
    func putNotes(
        _ notes: [(play: PlayID, note: ImportPlan.Note)], of user: UserID, from source: String, in batch: BatchID,
        at moment: Timestamp, mayReplace: Bool = true, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        guard !notes.isEmpty else { return }
        try await database.run(
            ImportNoteQueries.put,
            [
                .id(user), .ids(notes.map(\.play)), .boolArray(notes.map(\.note.isRewatch)),
                .jsonbArray(notes.map { encodeJSON($0.note.tags) }),
                .tenthsArray(notes.map { $0.note.rating.map { PGTenths(tenths: $0.tenths) } }),
                .textArray(notes.map(\.note.review)), .textArray(notes.map(\.note.html)),
                .boolArray(notes.map(\.note.spoiler)), .int4Array(notes.map(\.note.told.rawValue)), .text(source),
                .id(batch), .moment(moment), .bool(mayReplace),
            ], until: deadline)
    }

    /// The notes of plays.
    func notes(
        of plays: [PlayID], _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [PlayID: KnownNote] {
        let rows = try await database.rows(ImportNoteQueries.get, [.id(user), .ids(plays)], until: deadline)
        return Dictionary(rows.map { ($0.play, $0) }) { first, _ in first }
    }

    /// Whether an import of newer files of the same source has been written.
    func isOvertaken(
        _ batch: BatchID?, of user: UserID, from source: String, asOf: Timestamp?,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(
            ImportWorkQueries.isOvertaken, [.id(user), .id(batch), .text(source), .moment(asOf)], until: deadline
        ).first == true
    }
}

/// Titles with all the rows that name them.
struct ImportPageOfItems: Sendable {
    var items: [StoredItem]
    private let rows: [ImportItemKey.Exact: [ItemRow]]

    init(items: [StoredItem], rows: [ItemRow]) {
        self.items = items
        self.rows = Dictionary(grouping: rows) { ImportItemKey.Exact($0.key) }
    }

    func rows(of key: String) -> [ItemRow] { rows[ImportItemKey.Exact(key)] ?? [] }

    /// The titles that the items are matched to; two items of a file may be the same title.
    var titles: Set<TitleID> { Set(items.compactMap(\.title?.id)) }
}

/// The verdict on one row.
struct RowVerdict: Sendable, Hashable {
    let place: Int
    let verdict: ImportVerdict
    let reason: String?
}

extension PGValue {
    fileprivate static func run(_ claim: ImportClaim) -> PGValue { .uuid(claim.serverRun.map { PGUUID($0) }) }
}
