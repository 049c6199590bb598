package import Contracts
import Cryptography
import JSON
import Postgres
package import Store

/// Imports in Postgres, as seen by the person who owns the files.
package struct ImportStore: Sendable {
    let database: Database
    package let limits: ImportLimits

    package init(database: Database, limits: ImportLimits = ImportLimits()) {
        self.database = database
        self.limits = limits
    }

    /// Creates an import; nil if the person already has the maximum number of open ones.
    package func create(
        _ id: ImportID, of user: UserID, timeZone: String, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Import? {
        try await database.rows(
            ImportQueries.create,
            [.id(user), .id(id), .text(timeZone), .moment(moment), .int(limits.openMax)], until: deadline
        ).first
    }

    package func get(
        _ id: ImportID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Import? {
        try await database.rows(ImportQueries.get, [.id(user), .id(id)], until: deadline).first
    }

    /// The imports after `place`, newest first.
    func page(
        of user: UserID, after place: ShelfCursor, limit: Int, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Import] {
        try await database.rows(
            ImportQueries.page, [.id(user), .moment(place.at), .id(place.title), .int(limit)], until: deadline)
    }

    // MARK: Files

    /// The outcome of uploading a chunk.
    package enum PutAnswer: Sendable, Hashable {
        /// The number of bytes of the file stored so far.
        case here(Int)
        case noSuchImport
        /// The import takes no more files, or the chunk does not follow the previous one.
        case notReady
        case tooLarge
    }

    package func put(
        _ bytes: [UInt8], at start: Int, of file: Int, named name: String, _ id: ImportID, of user: UserID,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> PutAnswer {
        try await database.transaction(until: deadline) { transaction throws(PGError) -> PutAnswer in
            guard
                let held = try await transaction.first(
                    ImportQueries.hold, [.id(user), .id(id), .int4(Int32(clamping: file)), .int8(Int64(start))])
            else { return .noSuchImport }
            guard held.state == .receiving else { return .notReady }
            let size = held.fileBytes ?? 0
            if held.knownBytes == bytes.count { return .here(size) }
            guard start == size else { return .notReady }
            guard held.totalBytes + bytes.count <= limits.uploadBytesMax else { return .tooLarge }
            try await transaction.execute(
                ImportQueries.putFile,
                [
                    .id(user), .id(id), .int4(Int32(clamping: file)), .text(name), .int8(Int64(size + bytes.count)),
                ])
            try await transaction.execute(
                ImportQueries.putChunk,
                [.id(user), .id(id), .int4(Int32(clamping: file)), .int8(Int64(start)), .bytea(bytes)])
            return .here(size + bytes.count)
        }
    }

    package func files(
        of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SentFile] {
        try await database.rows(ImportQueries.files, [.id(user), .id(id)], until: deadline)
    }

    /// Some chunks of a file from an offset on; none at its end.
    package func pieces(
        of file: Int, from start: Int, _ id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [[UInt8]] {
        try await database.rows(
            ImportQueries.chunks,
            [.id(user), .id(id), .int4(Int32(clamping: file)), .int8(Int64(start)), .int(Self.piecesAtOnce)],
            until: deadline)
    }

    /// The number of chunks read at once: at most 3 MiB.
    private static let piecesAtOnce = 16

    /// Marks the upload as complete, so that its rows are read; nil if the import takes no more files.
    ///
    /// Throws `conflict(constraint: "imports_active")` if the same files are already being imported.
    package func begin(
        _ id: ImportID, of user: UserID, digest: [UInt8], appliesItself: Bool, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Import? {
        try await database.rows(
            ImportQueries.begin,
            [.id(user), .id(id), .bytea(digest), .bool(appliesItself), .moment(moment)], until: deadline
        ).first
    }

    package func active(
        _ digest: [UInt8], of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ImportID? {
        try await database.rows(ImportQueries.active, [.id(user), .bytea(digest)], until: deadline).first
    }

    // MARK: A person's word

    /// Gives up stale uploads that were never completed. Returns whether there may be more.
    package func giveUpUploads(
        at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        let count = try await database.rows(
            ImportQueries.giveUpUploads,
            [.moment(moment), .int(Self.givenUpAtOnce), .double(limits.uploadLife.inSeconds)], until: deadline
        ).first
        return count == Self.givenUpAtOnce
    }

    private static let givenUpAtOnce = 100

    package func cancel(
        _ id: ImportID, of user: UserID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        _ = try await database.run(
            together: [
                ImportQueries.cancel.bound([.id(user), .id(id), .moment(moment)]),
                ImportWorkQueries.dropCancelled.bound([.id(user), .id(id)]),
            ], until: deadline)
    }

    package func apply(
        _ id: ImportID, of user: UserID, as batch: BatchID, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            ImportQueries.apply, [.id(user), .id(id), .id(batch), .moment(moment)], until: deadline)
    }

    /// Sets what a file is. Returns false if no such file is waiting; the last waiting file restarts the reading.
    package func set(
        _ kind: ImportFileKind, of file: String, _ id: ImportID, of user: UserID, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let left = try await transaction.first(
                ImportQueries.setKind, [.id(user), .id(id), .text(file), .word(kind), .moment(moment)])
            guard let left else { return false }
            if left == 0 {
                try await transaction.execute(ImportQueries.forgetRows, [.id(user), .id(id)])
                try await transaction.execute(ImportQueries.forgetItems, [.id(user), .id(id)])
                try await transaction.execute(ImportQueries.readAgain, [.id(user), .id(id)])
            }
            return true
        }
    }

    /// The rows after a place, in order; of one verdict, or of all if that is nil.
    func rows(
        of id: ImportID, _ user: UserID, _ verdict: ImportVerdict?, after place: Int, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ImportRow] {
        let values: [PGValue] = [.id(user), .id(id), .int4(Int32(clamping: place)), .int(limit)]
        if let verdict {
            let stand = try await database.rows(
                ImportSpanQueries.stand, [.id(user), .id(id)], until: deadline
            ).first
            if stand == true {
                return try await rows(of: id, user, standing: verdict, after: place, limit: limit, until: deadline)
            }
            return try await database.rows(
                ImportQueries.rowsByVerdict, values + [.word(verdict)], until: deadline)
        }
        return try await database.rows(ImportQueries.rows, values, until: deadline)
    }

    /// The rows of one verdict, from the spans that contain some. It begins with a few spans, which suffice for a page
    /// if the verdict is common.
    private func rows(
        of id: ImportID, _ user: UserID, standing verdict: ImportVerdict, after place: Int, limit: Int,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [ImportRow] {
        var found: [ImportRow] = []
        var (next, count) = ((place + 1) / ImportSpanQueries.places, 4)
        while found.count < limit {
            let spans = try await database.rows(
                ImportSpanQueries.spans,
                [.id(user), .id(id), .word(verdict), .int4(Int32(clamping: next)), .int(count)], until: deadline)
            guard let last = spans.last else { break }
            found += try await database.rows(
                ImportSpanQueries.rows,
                [
                    .id(user), .id(id), .int4(Int32(clamping: place)), .int(limit - found.count), .word(verdict),
                    .int4Array(spans.map { Int32(clamping: $0) }),
                ], until: deadline)
            guard spans.count == count else { break }
            (next, count) = (last + 1, min(count * 4, 256))
        }
        return found
    }

    func row(
        _ place: Int, of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> FoundRow? {
        try await database.rows(
            ImportQueries.row, [.id(user), .id(id), .int4(Int32(clamping: place))], until: deadline
        ).first
    }

    /// Stores a person's decision about what an item means (nil leaves it out), and remembers it if later files use the
    /// same key.
    func correct(
        _ key: String, to title: MeantTitle?, _ id: ImportID, of user: UserID, at moment: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        var statements = [
            ImportQueries.correctItem.bound([
                .id(user), .id(id), .text(key), .word(title == nil ? ItemMatch.skipped : .known), .id(title?.id),
                .text(title?.kind.rawValue), .id(title?.series), .int4(title?.season.map { Int32(clamping: $0) }),
                .int4(title?.episode.map { Int32(clamping: $0) }),
            ])
        ]
        if !ImportItemKey.isOfOneFile(key) {
            statements.append(ImportQueries.remember.bound([.id(user), .text(key), .id(title?.id), .moment(moment)]))
        }
        _ = try await database.run(together: statements, until: deadline)
    }

    /// Withdraws a person's decision about an item, here and for later files: the item is unmatched again.
    func forget(
        _ key: String, of id: ImportID, _ user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let statements = [
            ImportQueries.openItem.bound([.id(user), .id(id), .text(key)]),
            ImportQueries.forgetWord.bound([.id(user), .text(key)]),
        ]
        _ = try await database.run(together: statements, until: deadline)
    }

    /// Counts the verdicts again.
    func recount(
        _ id: ImportID, of user: UserID, at moment: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        let counts = try await counts(of: id, user, until: deadline)
        try await database.run(
            ImportWorkQueries.setCounts, [.id(user), .id(id), .json(counts), .moment(moment)], until: deadline)
    }

    /// The number of rows per verdict. If `rests`, the import comes to rest with them, and their spans are stored.
    func counts(
        of id: ImportID, _ user: UserID, rests: Bool = false, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> ImportCounts {
        let rows = try await database.rows(
            rests ? ImportSpanQueries.count : ImportWorkQueries.counts, [.id(user), .id(id)], until: deadline)
        let counts = Dictionary(rows.map { ($0.verdict, $0.count) }) { first, _ in first }
        return ImportCounts(
            new: counts[.new] ?? 0, update: counts[.update] ?? 0, same: counts[.same] ?? 0,
            removedByYou: counts[.removedByYou] ?? 0, ambiguous: counts[.ambiguous] ?? 0,
            unmatched: counts[.unmatched] ?? 0, invalid: counts[.invalid] ?? 0, conflict: counts[.conflict] ?? 0,
            skipped: counts[.skipped] ?? 0, shown: counts[.shown] ?? 0)
    }
}
