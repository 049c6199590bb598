import Contracts
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Pages of an import, one title each: where they end, and what a worker does after the server has lost one of them.
@Suite struct ImportPageTests {
    private static let ids = SystemIDSource()

    /// Returns a diary with one film per row, each watched once.
    private static func diary(_ names: [String]) -> [(name: String, text: String)] {
        let rows = names.enumerated().map { "2020-01-01,\($1),1990,https://boxd.it/d\($0),,,,2020-01-\($0 + 10)" }
        let header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"
        return [("diary.csv", ([header] + rows).joined(separator: "\n"))]
    }

    private static let playCount = PGStatement(
        "tests.playCount", "SELECT count(*) FROM plays WHERE user_id = $1"
    ) { row throws(PGError) in try row.next(Int.self) }

    @Test("Names that Swift and Postgres put in another order, or that one takes for the same, lose no row")
    func order() async throws {
        // Decomposed names sort before "T" by bytes, but after it as text.
        let names = [
            "E\u{301}tat", "\u{C9}tat", "Titanic", "U\u{308}ber", "A\u{30A}ngstro\u{308}m", "\u{212B}ngstro\u{308}m",
            "Zebra", "Avatar",
        ]
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            for name in names { others.know(name, 1990) }
            let tools = ImportWorkerTests.tools(pools[0], others, pageRows: 1, rowsAtOnce: 3)
            let user = UserID(Self.ids.next())
            let id = try await ImportWorkerTests.send(Self.diary(names), of: user, tools)
            let done = try await ImportWorkerTests.work(id, of: user, tools)
            #expect(done.state == .applied)
            #expect(done.counts.map { $0.new } == names.count, "\(String(describing: done.counts))")
            #expect(try await pools[0].first(Self.playCount, [.id(user)]) == names.count)
        }
    }

    @Test("A title with more rows than a page has comes with all of them, wherever pages end")
    func wholeTitles() async throws {
        let names = ["Avatar", "Titanic", "Titanic", "Titanic", "Titanic", "Titanic", "Zebra"]
        for pageRows in 1...4 {
            try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
                let others = StandIns()
                for name in Set(names) { others.know(name, 1990) }
                let tools = ImportWorkerTests.tools(pools[0], others, pageRows: pageRows, rowsAtOnce: 3)
                let user = UserID(Self.ids.next())
                let id = try await ImportWorkerTests.send(Self.diary(names), of: user, tools)
                let done = try await ImportWorkerTests.work(id, of: user, tools)
                #expect(done.state == .applied)
                #expect(done.counts.map { $0.new } == names.count, "\(pageRows): \(String(describing: done.counts))")
                let plays = try await pools[0].first(Self.playCount, [.id(user)])
                #expect(plays == names.count)
            }
        }
    }

    @Test("Titles that a file calls watched, with a date and no name of their own for it, keep a play each")
    func watchedAtSomeTime() async throws {
        let rows = ["First", "Second", "Third"].enumerated().map { number, name in
            """
            {"plays":1,"last_watched_at":"2020-01-0\(number + 1)T20:00:00.000Z",\
            "movie":{"title":"\(name)","year":1990,"ids":{"trakt":\(number + 1)}}}
            """
        }
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            for name in ["First", "Second", "Third"] { others.know(name, 1990) }
            let tools = ImportWorkerTests.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            let file = (name: "watched-movies.json", text: "[\(rows.joined(separator: ","))]")
            let id = try await ImportWorkerTests.send([file], of: user, tools)
            let done = try await ImportWorkerTests.work(id, of: user, tools)
            #expect(done.counts?.new == 3, "\(String(describing: done.counts))")
            #expect(try await pools[0].first(Self.playCount, [.id(user)]) == 3)
        }
    }

    @Test("A rating of a day that has not begun in UTC is written as of now, not refused")
    func ratedTomorrow() async throws {
        let clock = SystemWallClock()
        let day = clock.now.advanced(by: .seconds(86_400)).date
        let text = "Date,Name,Year,Letterboxd URI,Rating\n\(day),First,1990,https://boxd.it/f1,4"
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            let title = others.know("First", 1990)
            let tools = ImportWorkerTests.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            let id = try await ImportWorkerTests.send([("ratings.csv", text)], of: user, tools)
            #expect(try await ImportWorkerTests.work(id, of: user, tools).state == .applied)
            let rated = try #require(others.ratings[title])
            #expect(rated.ratedAt <= clock.now)
        }
    }

    /// Previously, a whole page went to ratings in one call, of which it reads at most 1 MiB; the import was given up
    /// in the end.
    @Test("Long reviews of many films come in, in as many calls as they need")
    func longReviews() async throws {
        let names = (0..<400).map { "Reviewed \($0)" }
        let review = String(repeating: "Ü\"ber. ", count: 500)
        let quoted = review.replacing("\"", with: "\"\"")
        let rows = names.enumerated().map { number, name in
            "2020-01-01,\(name),1990,https://boxd.it/r\(number),4,,\"\(quoted)\",,2020-01-01"
        }
        let header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date"
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            for name in names { others.know(name, 1990) }
            let tools = ImportWorkerTests.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            let file = (name: "reviews.csv", text: ([header] + rows).joined(separator: "\n"))
            let id = try await ImportWorkerTests.send([file], of: user, tools, pieceBytes: 500_000)
            let done = try await ImportWorkerTests.work(id, of: user, tools)
            #expect(done.state == .applied, "\(done)")
            #expect(others.ratings.count == names.count)
            #expect(others.ratings.values.allSatisfy { $0.review?.count ?? 0 > 3_400 })
            #expect(others.calls["ratings.writeRatings"] ?? 0 > 2)
        }
    }

    @Test("An upload that nobody ends is given up, and nothing of it kept")
    func uploadLeftOpen() async throws {
        let clock = SystemWallClock()
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let store = ImportWorkerTests.tools(pools[0], StandIns()).store
            let (user, id) = (UserID(Self.ids.next()), ImportID(Self.ids.next()))
            let until = ContinuousClock.now + .seconds(20)
            _ = try await store.create(id, of: user, timeZone: "UTC", at: clock.now, until: until)
            _ = try await store.put([1, 2, 3], at: 0, of: 0, named: "a.csv", id, of: user, until: until)
            func state() async throws -> ImportState? { try await store.get(id, of: user, until: until)?.state }
            _ = try await store.giveUpUploads(at: clock.now, until: until)
            #expect(try await state() == .receiving)
            _ = try await store.giveUpUploads(at: clock.now.advanced(by: .seconds(3_700)), until: until)
            #expect(try await state() == .cancelled)
            let chunks = PGStatement("tests.chunks", "SELECT count(*) FROM import_chunks") {
                row throws(PGError) in try row.next(Int.self)
            }
            #expect(try await pools[0].first(chunks) == 0)
        }
    }

    /// An import at rest: every thousandth row is invalid, the others are new.
    private static let manyRows = [
        PGCommand(
            "tests.restingImport",
            """
            INSERT INTO imports (user_id, id, state, time_zone, created_at, updated_at, spans_at)
            VALUES ($1, $2, 'ready', 'UTC', now(), now(), now())
            """),
        PGCommand(
            "tests.manyRows",
            """
            INSERT INTO import_rows (user_id, import_id, place, row, verdict)
            SELECT $1, $2, n, '{"kind": "play", "file": "diary.csv", "line": 1}',
                CASE WHEN n % 1000 = 999 THEN 'invalid' ELSE 'new' END
            FROM generate_series(0, 19999) n
            """),
    ]

    private static let untold = [
        PGCommand(
            "tests.counted",
            """
            UPDATE imports SET counts = '{"invalid": 19}', updated_at = clock_timestamp()
            WHERE user_id = $1 AND id = $2
            """),
        PGCommand("tests.untold", "DELETE FROM import_spans WHERE user_id = $1 AND import_id = $2"),
    ]

    private static let rowsRead = PGStatement(
        "tests.rowsRead",
        """
        SELECT (coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0))::bigint FROM pg_stat_xact_user_tables
        WHERE relid = 'import_rows'::regclass
        """
    ) { row throws(PGError) in try row.next(Int.self) }

    @Test("A few rows of one verdict among many are found by the stretches in which they stand; no others are read")
    func rareVerdict() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let store = ImportStore(database: Database(pool: pools[0]))
            let (user, id) = (UserID(Self.ids.next()), ImportID(Self.ids.next()))
            let deadline = ImportWorkerTests.deadline()
            _ = try await pools[0].execute(together: Self.manyRows.map { $0.bound([.id(user), .id(id)]) })
            let counts = try await store.counts(of: id, user, rests: true, until: deadline)
            #expect(counts.new == 19_980 && counts.invalid == 20)
            func places(_ verdict: ImportVerdict, after place: Int = -1, limit: Int = 3) async throws -> [Int] {
                try await store.rows(of: id, user, verdict, after: place, limit: limit, until: deadline).map(\.place)
            }
            let invalid = (0..<20).map { $0 * 1_000 + 999 }
            #expect(try await places(.invalid) == Array(invalid.prefix(3)))
            #expect(try await places(.invalid, after: 2_999, limit: 100) == Array(invalid.dropFirst(3)))
            #expect(try await places(.invalid, after: 19_999).isEmpty)
            #expect(try await places(.new, after: 997) == [998, 1_000, 1_001])
            #expect(try await places(.same).isEmpty)
            // A row that the person decides on.
            try await store.note(
                [RowVerdict(place: 999, verdict: .skipped, reason: nil)], of: user, id, until: deadline)
            #expect(try await places(.skipped) == [999])
            #expect(try await places(.invalid) == Array(invalid[1...3]))
            let read = try await store.database.transaction(until: deadline) { transaction throws(PGError) -> Int? in
                // Earlier reads on this connection may not have been flushed to the shared statistics yet.
                let before = try await transaction.first(Self.rowsRead) ?? 0
                let spans = try await transaction.query(
                    ImportSpanQueries.spans, [.id(user), .id(id), .word(ImportVerdict.invalid), .int4(0), .int(4)])
                _ = try await transaction.query(
                    ImportSpanQueries.rows,
                    [
                        .id(user), .id(id), .int4(-1), .int(3), .word(ImportVerdict.invalid),
                        .int4Array(spans.map { Int32(clamping: $0) }),
                    ])
                return try await transaction.first(Self.rowsRead).map { $0 - before }
            }
            #expect(read.map { $0 <= 4 * ImportSpanQueries.places } == true, "\(String(describing: read))")
            // As a replica of the previous version ends an import: counted, but without recording where the rows are.
            _ = try await pools[0].execute(together: Self.untold.map { $0.bound([.id(user), .id(id)]) })
            #expect(try await places(.invalid) == Array(invalid[1...3]))
        }
    }

    /// As a replica of the previous version leaves an import: one verdict changed and counted, its place not recorded.
    private static let partlyUntold = [
        PGCommand(
            "tests.oldVerdict",
            "UPDATE import_rows SET verdict = 'invalid' WHERE user_id = $1 AND import_id = $2 AND place = 5"),
        PGCommand(
            "tests.oldCounts",
            """
            UPDATE imports SET counts = counts || '{"invalid": 2}', updated_at = clock_timestamp()
            WHERE user_id = $1 AND id = $2
            """),
    ]

    /// Previously, where only some spans of a verdict were recorded, they were taken for all of them.
    @Test("Where the rows of a verdict stand is trusted only where all that was changed since was told")
    func partlyTold() async throws {
        let clock = SystemWallClock()
        let rows = (0..<300).map { number in
            let day = number == 299 ? "03/04/2021" : "2020-01-01"
            return "2020-01-01,Film \(number),1990,https://boxd.it/d\(number),,,,\(day)"
        }
        let header = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"
        let file = (name: "diary.csv", text: ([header] + rows).joined(separator: "\n"))
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let tools = ImportWorkerTests.tools(pools[0], StandIns())
            let store = tools.store
            let user = UserID(Self.ids.next())
            let id = try await ImportWorkerTests.send([file], of: user, tools, apply: false)
            func deadline() -> ContinuousClock.Instant { ImportWorkerTests.deadline() }
            func areTold() async throws -> Bool? {
                try await store.database.rows(ImportSpanQueries.stand, [.id(user), .id(id)], until: deadline()).first
            }
            func invalid() async throws -> [Int] {
                try await store.rows(of: id, user, .invalid, after: -1, limit: 10, until: deadline()).map(\.place)
            }
            #expect(try await areTold() == false, "it is worked at")
            #expect(try await ImportWorkerTests.work(id, of: user, tools).state == .ready)
            #expect(try await areTold() == true)
            #expect(try await invalid() == [299])
            // Recounting after a correction records where each row is.
            try await store.recount(id, of: user, at: clock.now, until: deadline())
            #expect(try await areTold() == true)
            _ = try await pools[0].execute(together: Self.partlyUntold.map { $0.bound([.id(user), .id(id)]) })
            #expect(try await areTold() == false)
            #expect(try await invalid() == [5, 299])
            // A later correction does not make the record complete either.
            try await store.recount(id, of: user, at: clock.now, until: deadline())
            #expect(try await areTold() == false)
            #expect(try await invalid() == [5, 299])
            try await store.apply(
                id, of: user, as: BatchID(Self.ids.next()), at: clock.now, until: deadline())
            #expect(try await ImportWorkerTests.work(id, of: user, tools).state == .applied)
            #expect(try await areTold() == true)
        }
    }

    @Test("A page that the server lost in a crash is written again, though its worker lives on and saw it written")
    func lost() async throws {
        let names = (0..<12).map { "Lost Film \($0)" }
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            for name in names { others.know(name, 1990) }
            let tools = ImportWorkerTests.tools(pools[0], others, lease: .milliseconds(300), pageRows: 1)
            let user = UserID(Self.ids.next())
            let written = Mutex(0)
            // Simulates crash recovery: the last commits are lost, and with them the record of which server run it was.
            let recovery = [
                PGCommand("tests.newRun", "TRUNCATE server_runs").bound([]),
                PGCommand(
                    "tests.lose",
                    "DELETE FROM plays WHERE user_id = $1 AND id = (SELECT id FROM plays ORDER BY id DESC LIMIT 1)"
                ).bound([.id(user)]),
            ]
            let worker = ImportWorker(tools) { point in
                guard case .written = point,
                    written.withLock({
                        $0 += 1; return $0
                    }) == 5
                else { return }
                #expect((try? await pools[0].execute(together: recovery))?.last == 1)
            }
            let id = try await ImportWorkerTests.send(Self.diary(names), of: user, tools)
            let state = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await worker.run() }
                defer { group.cancelAll() }
                return try await ImportWorkerTests.rested(id, of: user, tools).state
            }
            #expect(state == .applied)
            #expect(written.withLock { $0 } > names.count)
            #expect(try await pools[0].first(Self.playCount, [.id(user)]) == names.count)
        }
    }
}
