import Contracts
import JSON
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// A person's corrections to rows of an import, before and after it was written.
@Suite struct ImportCorrectionTests {
    private static let clock = SystemWallClock()

    struct Setting: Sendable {
        let pool: PGPool
        let others = StandIns()
        let user = UserID(SystemIDSource().next())

        var tools: ImportWorker.Tools { ImportWorkerTests.tools(pool, others) }

        func bring(_ text: String, as name: String = "diary.csv", apply: Bool) async throws -> Import {
            try await bring([(name, text)], apply: apply)
        }

        func bring(_ files: [(name: String, text: String)], apply: Bool) async throws -> Import {
            let id = try await ImportWorkerTests.send(files, of: user, tools, apply: apply)
            return try await rest(id)
        }

        /// Applies a preview.
        func apply(_ preview: Import) async throws -> Import {
            try await tools.store.apply(
                preview.id, of: user, as: BatchID(SystemIDSource().next()), at: ImportCorrectionTests.clock.now,
                until: ImportWorkerTests.deadline())
            return try await rest(preview.id)
        }

        func rest(_ id: ImportID) async throws -> Import { try await ImportWorkerTests.work(id, of: user, tools) }

        func correct(
            _ found: Import, _ place: Int, title: TitleID? = nil, skip: Bool? = nil, on day: String? = nil,
            observe: @escaping @Sendable (ImportWorker.Point) async -> Void = { _ in }
        ) async throws -> ImportRow {
            let handler = CorrectImport(
                store: tools.store, titles: TitleLookup(metadata: MetadataClient(others)),
                worker: ImportWorker(tools, observe: observe),
                clock: ImportCorrectionTests.clock)
            return try await handler.run(
                CorrectImportParams(
                    user: user, import: found.id, place: place, title: title, skip: skip,
                    watchedOn: day.flatMap { CalendarDate($0) }),
                RPCContext(deadline: ImportWorkerTests.deadline(), trace: .root()))
        }

        func all() async throws -> [String] { try await ImportWorkerTests.all(of: user, pool, others) }

        func verdicts(_ found: Import) async throws -> [ImportVerdict?] {
            try await tools.store.rows(
                of: found.id, user, nil, after: -1, limit: 100, until: ImportWorkerTests.deadline()
            ).map(\.verdict)
        }
    }

    static func run(_ body: @escaping @Sendable (Setting) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            try await body(Setting(pool: pools[0]))
        }
    }

    static let head = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    private static let one = "2020-01-01,One,1999,https://boxd.it/aaaaa,,,,2020-01-01\n"

    private static func isNotReady(_ work: () async throws -> ImportRow) async -> Bool {
        do {
            _ = try await work()
            return false
        } catch {
            return (error as? RPCError)?.code == RegistryError.importNotReady.code
        }
    }

    @Test("What is written already cannot be made to mean something else: it would be there twice")
    func written() async throws {
        try await Self.run { test in
            test.others.know("One", 1999)
            let right = test.others.know("Right", 1999)
            let found = try await test.bring(Self.head + Self.one, apply: true)
            let before = try await test.all()
            #expect(before.count == 1)
            #expect(await Self.isNotReady { try await test.correct(found, 0, title: right) })
            #expect(await Self.isNotReady { try await test.correct(found, 0, skip: true) })
            #expect(await Self.isNotReady { try await test.correct(found, 0, on: "2020-02-02") })
            #expect(try await test.all() == before)
            #expect(try await test.verdicts(found) == [.new])
            // In a preview, all of it is possible.
            let preview = try await test.bring(
                Self.head + "2020-01-01,Other,1999,https://boxd.it/aaaab,,,,2020-01-01\n", apply: false)
            #expect(try await test.correct(preview, 0, title: right).verdict == .new)
        }
    }

    @Test("A row whose play was written and whose rating was not is written already; one of which nothing was is not")
    func writtenWithoutRating() async throws {
        try await Self.run { test in
            let one = test.others.know("One", 1999)
            let right = test.others.know("Right", 1999)
            let now = Self.clock.now
            test.others.keep(
                Rating(
                    title: one, kind: .movie, rating: DecimalTenths(tenths: 50), spoiler: false, ratedAt: now,
                    updatedAt: now, source: .person))
            let found = try await test.bring(
                Self.head + "2020-01-01,One,1999,https://boxd.it/aaaaa,4,,,2020-01-01\n", apply: true)
            #expect(try await test.verdicts(found) == [.conflict])
            let before = try await test.all()
            #expect(before == ["One 2020-01-01||"])
            #expect(await Self.isNotReady { try await test.correct(found, 0, title: right) })
            #expect(await Self.isNotReady { try await test.correct(found, 0, skip: true) })
            #expect(await Self.isNotReady { try await test.correct(found, 0, on: "2020-02-02") })
            #expect(try await test.all() == before)
            #expect(test.others.ratingsByName == ["One": 50])
            let rating = try await test.bring(
                "Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,One,1999,,4\n", as: "ratings.csv", apply: true)
            #expect(try await test.verdicts(rating) == [.conflict])
            #expect(try await test.correct(rating, 0, title: right).verdict == .new)
            #expect(test.others.ratingsByName == ["One": 50, "Right": 80])
        }
    }

    @Test("What was left out is written when its person has said what it means, unless the import was taken back")
    func leftOut() async throws {
        try await Self.run { test in
            test.others.confuse("One")
            let right = test.others.know("Right", 1999)
            let found = try await test.bring(Self.head + Self.one, apply: true)
            #expect(try await test.all().isEmpty)
            let batch = try #require(found.batch)
            for state in [BatchState.undoing, .undone] {
                try await test.tools.batches.advance(
                    batch, of: test.user, to: state, at: Self.clock.now, until: ImportWorkerTests.deadline())
                #expect(await Self.isNotReady { try await test.correct(found, 0, title: right) })
                #expect(try await test.all().isEmpty, "\(state)")
            }
            let again = try await test.bring(Self.head + Self.one, apply: true)
            #expect(try await test.correct(again, 0, title: right).verdict == .new)
            #expect(try await test.all() == ["Right 2020-01-01||"])
        }
    }

    @Test("What a correction writes was written then, to whoever asks what is new since the import ended")
    func since() async throws {
        try await Self.run { test in
            test.others.confuse("One")
            let right = test.others.know("Right", 1999)
            let found = try await test.bring(Self.head + Self.one, apply: true)
            let batch = try #require(found.batch)
            let stored = try await test.tools.batches.batch(
                batch, of: test.user, until: ImportWorkerTests.deadline())
            let ended = try #require(stored?.appliedAt)
            func diary() async throws -> [TitleID] {
                try await ScrobbleStore(database: Database(pool: test.pool)).diary(
                    of: test.user, in: "UTC", since: ended, after: .oldest, limit: 10,
                    until: ImportWorkerTests.deadline()
                ).map(\.title)
            }
            #expect(try await diary().isEmpty)
            #expect(try await test.correct(found, 0, title: right).verdict == .new)
            #expect(try await diary() == [right])
        }
    }

    /// Undoes what a batch has written, as far as possible; what is already undone is left alone.
    private static func takeBack(_ batch: BatchID, _ test: Setting) async throws {
        let batches = test.tools.batches
        let stored = try await batches.batch(batch, of: test.user, until: ImportWorkerTests.deadline())
        guard stored?.state == .undoing,
            try await batches.isQuiet(batch, of: test.user, until: ImportWorkerTests.deadline())
        else { return }
        var place: TouchedItem?
        repeat {
            place = try await batches.undoSome(
                of: batch, test.user, after: place, at: clock.now, until: ImportWorkerTests.deadline())
        } while place != nil
        try await batches.advance(
            batch, of: test.user, to: .undone, at: clock.now, until: ImportWorkerTests.deadline())
    }

    private static func beginTakingBack(_ batch: BatchID, _ test: Setting) async throws {
        try await test.tools.batches.advance(
            batch, of: test.user, to: .undoing, at: clock.now, until: ImportWorkerTests.deadline())
    }

    @Test("An undo that begins while a correction is written waits for it, and takes it back too")
    func undoneMeanwhile() async throws {
        try await Self.run { test in
            test.others.confuse("One")
            let right = test.others.know("Right", 1999)
            let found = try await test.bring(Self.head + Self.one, apply: true)
            let batch = try #require(found.batch)
            let row = try await test.correct(found, 0, title: right) { point in
                guard case .correcting = point else { return }
                do {
                    try await Self.beginTakingBack(batch, test)
                    try await Self.takeBack(batch, test)
                } catch {
                    Issue.record(error)
                }
            }
            #expect(row.verdict == .new)
            #expect(try await test.all() == ["Right 2020-01-01||"])
            try await Self.takeBack(batch, test)
            #expect(try await test.all().isEmpty)
            #expect(await Self.isNotReady { try await test.correct(found, 0, title: right) })
            #expect(try await test.all().isEmpty)
        }
    }

    @Test("An undo that begins while an import is written ends it, and leaves nothing behind")
    func undoneInTheMiddle() async throws {
        try await Self.run { test in
            var text = Self.head
            for number in 0..<50 {
                test.others.know("Film \(number)", 1999)
                text += "2020-01-01,Film \(number),1999,https://boxd.it/a\(number),,,,2020-01-01\n"
            }
            let tools = ImportWorkerTests.tools(test.pool, test.others, pageRows: 10)
            let id = try await ImportWorkerTests.send([("diary.csv", text)], of: test.user, tools, apply: true)
            let written = Mutex(0)
            let batches = Mutex<[BatchID]>([])
            let worker = ImportWorker(tools) { point in
                guard case .written(let claim) = point, let batch = claim.batch else { return }
                let count = written.withLock { count in
                    count += 1
                    return count
                }
                guard count == 2 else { return }
                batches.withLock { $0.append(batch) }
                do {
                    try await Self.beginTakingBack(batch, test)
                    try await Self.takeBack(batch, test)
                } catch {
                    Issue.record(error)
                }
            }
            let found = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await worker.run() }
                defer { group.cancelAll() }
                return try await ImportWorkerTests.rested(id, of: test.user, tools)
            }
            #expect(found.state == .applied)
            let batch = try #require(batches.withLock { $0.first })
            #expect(written.withLock { $0 } == 2, "no page after it")
            #expect(try await test.all().count == 20, "nothing was taken back while it was written")
            let stored = try await tools.batches.batch(batch, of: test.user, until: ImportWorkerTests.deadline())
            #expect(stored?.state == .undoing)
            try await Self.takeBack(batch, test)
            #expect(try await test.all().isEmpty)
        }
    }

    @Test("An import and its batch come to their end together; one who lost the import ends neither")
    func endsTogether() async throws {
        try await Self.run { test in
            test.others.know("One", 1999)
            let tools = ImportWorkerTests.tools(test.pool, test.others, lease: .milliseconds(50))
            let id = try await ImportWorkerTests.send(
                [("diary.csv", Self.head + Self.one)], of: test.user, tools, apply: true)
            let claims = Mutex<[ImportClaim]>([])
            let (stopped, tell) = AsyncStream.makeStream(of: Void.self)
            let (gate, open) = AsyncStream.makeStream(of: Void.self)
            // Hangs once its page is written; a worker that is merely cancelled might still finish.
            let slow = ImportWorker(tools) { point in
                guard case .written(let claim) = point else { return }
                claims.withLock { $0.append(claim) }
                tell.yield()
                for await _ in gate { return }
            }
            let working = Task { await slow.run() }
            defer {
                open.finish()
                working.cancel()
            }
            for await _ in stopped { break }
            let stale = try #require(claims.withLock { $0.first })
            let batch = try #require(stale.batch)
            func state() async throws -> BatchState? {
                try await tools.batches.batch(batch, of: test.user, until: ImportWorkerTests.deadline())?.state
            }
            // The lease expires by itself.
            var claimed: ImportClaim?
            for _ in 0..<200 where claimed == nil {
                try await Task.sleep(for: .milliseconds(25))
                claimed = try await tools.store.claim(until: ImportWorkerTests.deadline())
            }
            let next = try #require(claimed)
            #expect(next.id == id)
            let isOld = try await tools.store.finish(
                stale, batch: batch, at: Self.clock.now, until: ImportWorkerTests.deadline())
            #expect(!isOld)
            #expect(try await state() == .applying)
            let isNew = try await tools.store.finish(
                next, batch: batch, at: Self.clock.now, until: ImportWorkerTests.deadline())
            #expect(isNew)
            #expect(try await state() == .applied)
        }
    }

    @Test("A day that may be two is given by its person, before the import is written or after")
    func days() async throws {
        try await Self.run { test in
            test.others.know("One", 1999)
            let text =
                Self.head + Self.one + "03/04/2021,One,1999,https://boxd.it/aaaac,,,,03/04/2021\n"
                + "05/06/2021,Two,2001,https://boxd.it/aaaad,,,,05/06/2021\n"
                + "2021-01-01,Three,2001,https://boxd.it/aaaae,9,,,06/07/2021\n"
            let preview = try await test.bring(text, apply: false)
            #expect(try await test.verdicts(preview) == [.new, .invalid, .invalid, .invalid])
            #expect(try await test.correct(preview, 1, on: "2021-04-03").verdict == .new)
            #expect(try await test.verdicts(preview) == [.new, .new, .invalid, .invalid])
            let applied = try await test.apply(preview)
            #expect(applied.state == .applied)
            #expect(try await test.all() == ["One 2020-01-01||", "One 2021-04-03||"], "what is invalid makes no title")
            #expect(try await test.correct(applied, 2, on: "2021-06-05").verdict == .new)
            #expect(
                try await test.all() == ["One 2020-01-01||", "One 2021-04-03||", "Two 2021-06-05||"])
            #expect(try await test.verdicts(applied) == [.new, .new, .new, .invalid])
            // The row has another problem as well.
            await #expect(throws: RPCError.self) { _ = try await test.correct(applied, 3, on: "2021-07-06") }
        }
    }

    /// Previously, an unknown title that was skipped once was skipped in every later file.
    @Test("What was said of a title can be taken back, and is not remembered then")
    func takenBack() async throws {
        try await Self.run { test in
            let right = test.others.know("Right", 1999)
            let first = try await test.bring(Self.head + Self.one, apply: false)
            #expect(try await test.correct(first, 0, skip: true).verdict == .skipped)
            let second = try await test.bring(
                Self.head + "2020-01-02,One,1999,https://boxd.it/aaaab,,,,2020-01-02\n", apply: true)
            #expect(try await test.verdicts(second) == [.skipped])
            #expect(try await test.correct(first, 0, skip: false).verdict == .unmatched)
            #expect(try await test.correct(first, 0, title: right).verdict == .new)
            let taken = try await test.correct(first, 0, skip: false)
            #expect(taken.verdict == .unmatched && taken.title == nil)
            let third = try await test.bring(
                Self.head + "2020-01-03,One,1999,https://boxd.it/aaaac,,,,2020-01-03\n", apply: false)
            #expect(try await test.verdicts(third) == [.unmatched])
            // In an import that was applied, the skipped row is written now.
            #expect(try await test.all().isEmpty)
            #expect(try await test.correct(second, 0, skip: false).verdict == .new)
            #expect(try await test.all() == ["One 2020-01-02||"])
        }
    }

    @Test("Neither a file nor its person can put a play into the future")
    func ahead() async throws {
        try await Self.run { test in
            test.others.know("One", 1999)
            let found = try await test.bring(
                Self.head + "2020-01-01,One,1999,https://boxd.it/aaaaa,,,,2999-01-01\n", apply: false)
            #expect(try await test.verdicts(found) == [.invalid])
            await #expect(throws: RPCError.dateInFuture("watched_on: 2999-01-02 is in the future")) {
                _ = try await test.correct(found, 0, on: "2999-01-02")
            }
            #expect(try await test.correct(found, 0, on: "2020-01-02").verdict == .new)
            _ = try await test.apply(found)
            #expect(try await test.all() == ["One 2020-01-02||"])
        }
    }

    @Test("A rating that is not taken when a correction is written is not told as written")
    func refusedRating() async throws {
        try await Self.run { test in
            test.others.confuse("One")
            let right = test.others.know("Right", 1999)
            test.others.refuse(right, as: .older)
            let found = try await test.bring(
                "Date,Name,Year,Letterboxd URI,Rating\n2020-01-01,One,1999,,4\n", as: "ratings.csv", apply: true)
            let row = try await test.correct(found, 0, title: right)
            #expect(row.verdict == .removedByYou)
            #expect(row.reason == "the rating was not written: you removed it")
            #expect(test.others.ratings.isEmpty)
        }
    }

    @Test("A film of a year that is none is one whose year is not known")
    func year() async throws {
        try await Self.run { test in
            test.others.know("One", 1999)
            let found = try await test.bring(
                Self.head + "2020-01-01,One,99,https://boxd.it/aaaaa,,,,2020-01-01\n", apply: true)
            #expect(try await test.verdicts(found) == [.new])
        }
    }

    @Test(
        "A comment on a show that is not rated is kept to be looked at, with the reason; on a rated one it goes with the rating"
    )
    func comments() async throws {
        try await Self.run { test in
            test.others.know("Show", 2010, .series)
            let comment =
                #"[{"type":"show","comment":{"id":7,"comment":"Slow, and then not.","spoiler":false},"show":{"title":"Show","year":2010,"ids":{"slug":"show"}}}]"#
            let found = try await test.bring(comment, as: "comments-shows.json", apply: true)
            let rows = try await test.tools.store.rows(
                of: found.id, test.user, nil, after: -1, limit: 10, until: ImportWorkerTests.deadline())
            #expect(rows.map(\.verdict) == [.shown], "\(rows)")
            #expect(rows.first?.reason?.contains("no place for a review") == true)
            #expect(found.counts?.shown == 1 && found.counts?.same == 0)
            #expect(rows.first?.row.text == "Slow, and then not.")
        }
    }
}
