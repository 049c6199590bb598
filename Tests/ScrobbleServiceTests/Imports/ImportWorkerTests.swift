import Contracts
import Cryptography
import JSON
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Imports in a real Postgres, run by workers that die, with stand-ins for metadata and ratings.
@Suite struct ImportWorkerTests {
    private static let ids = SystemIDSource()
    private static let clock = SystemWallClock()

    static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    static func tools(
        _ pool: PGPool, _ others: StandIns, lease: Duration = .seconds(60), pageRows: Int = 1_000,
        rowsAtOnce: Int = 1_000
    ) -> ImportWorker.Tools {
        var limits = ImportLimits()
        limits.lease = lease
        limits.pageRows = pageRows
        limits.rowsAtOnce = rowsAtOnce
        limits.poll = .milliseconds(20)
        limits.backoffMin = .milliseconds(5)
        return ImportWorker.Tools(
            database: Database(pool: pool), metadata: MetadataClient(others), ratings: RatingsClient(others),
            scratchFolder: "/tmp", clock: clock, ids: ids, limits: limits)
    }

    /// Uploads files as one import, in pieces of `pieceBytes` bytes.
    static func send(
        _ files: [(name: String, text: String)], of user: UserID, _ tools: ImportWorker.Tools, apply: Bool = true,
        pieceBytes: Int = 1_000, timeZone: String = "UTC"
    ) async throws -> ImportID {
        let bytes = files.map { (name: $0.name, bytes: Array($0.text.utf8)) }
        return try await send(
            bytes: bytes, of: user, tools, apply: apply, pieceBytes: pieceBytes, timeZone: timeZone)
    }

    static func send(
        bytes files: [(name: String, bytes: [UInt8])], of user: UserID, _ tools: ImportWorker.Tools,
        apply: Bool = true, pieceBytes: Int = 1_000, timeZone: String = "UTC"
    ) async throws -> ImportID {
        let id = ImportID(ids.next())
        _ = try #require(
            try await tools.store.create(id, of: user, timeZone: timeZone, at: clock.now, until: deadline()))
        for (number, file) in files.enumerated() {
            let bytes = file.bytes
            for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                let piece = Array(bytes[start..<min(start + pieceBytes, bytes.count)])
                let answer = try await tools.store.put(
                    piece, at: start, of: number, named: file.name, id, of: user, until: deadline())
                #expect(answer == .here(start + piece.count))
            }
        }
        let sent = try await tools.store.files(of: id, user, until: deadline())
        let digest = try await tools.spool.inspect(sent, of: id, user, until: deadline())
        _ = try #require(
            try await tools.store.begin(
                id, of: user, digest: digest, appliesItself: apply, at: clock.now, until: deadline()))
        return id
    }

    /// Runs a worker until the import is at rest.
    static func work(
        _ id: ImportID, of user: UserID, _ tools: ImportWorker.Tools,
        observe: @escaping @Sendable (ImportWorker.Point) async -> Void = { _ in }
    ) async throws -> Import {
        let worker = ImportWorker(tools, observe: observe)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await worker.run() }
            defer { group.cancelAll() }
            return try await rested(id, of: user, tools)
        }
    }

    static func rested(_ id: ImportID, of user: UserID, _ tools: ImportWorker.Tools) async throws -> Import {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            let found = try #require(try await tools.store.get(id, of: user, until: deadline()))
            if !found.state.isUnderWay { return found }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("the import does not rest")
        throw CancellationError()
    }

    private static let plays = PGStatement(
        "tests.importedPlays",
        """
        SELECT p.title_id, coalesce(p.watched_on::text, p.watched_at::text, 'unknown'), coalesce(n.review, ''),
            array_to_string(coalesce(n.tags, '{}'), ',')
        FROM plays p LEFT JOIN play_notes n ON n.user_id = p.user_id AND n.play_id = p.id
        WHERE p.user_id = $1 AND p.removed_at IS NULL
        """
    ) { row throws(PGError) in
        (
            title: try row.next(TitleID.self),
            rest: [try row.next(String.self), try row.next(String.self), try row.next(String.self)]
        )
    }

    /// Returns everything a person has as text, with titles by name.
    static func all(of user: UserID, _ pool: PGPool, _ others: StandIns) async throws -> [String] {
        let plays = try await pool.query(plays, [.id(user)])
        var lines = plays.map { "\(others.name(of: $0.title) ?? "?") \($0.rest.joined(separator: "|"))" }
        for (table, column) in [("watchlist_items", "added_at"), ("likes", "added_at"), ("list_items", "rank")] {
            let statement = PGStatement(
                "tests.\(table)",
                "SELECT title_id, \(column)::text FROM \(table) WHERE user_id = $1 AND removed_at IS NULL"
            ) { row throws(PGError) in (try row.next(TitleID.self), try row.next(String.self)) }
            lines += try await pool.query(statement, [.id(user)]).map {
                "\(table) \(others.name(of: $0.0) ?? "?") \($0.1)"
            }
        }
        return lines.sorted()
    }

    /// Returns a made-up export: films watched once or more, rated, reviewed and listed.
    private static func export(_ random: inout SeededRandom, films: Int) -> [(name: String, text: String)] {
        var diary = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
        var watched = "Date,Name,Year,Letterboxd URI\n"
        var ratings = "Date,Name,Year,Letterboxd URI,Rating\n"
        var watchlist = watched
        var reviews = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
        for film in 0..<films {
            let name = "Film \(film),\(1900 + film % 120)"
            for entry in 0..<Int.random(in: 0...3, using: &random) {
                let day = "20\(10 + entry)-0\(1 + film % 9)-1\(film % 10)"
                diary += "\(day),\(name),https://boxd.it/d\(film)x\(entry),,,\"late, on tape\",\(day)\n"
                if film % 5 == 0 {
                    reviews += "\(day),\(name),https://boxd.it/d\(film)x\(entry),,,\"Seen \(entry)\",,\(day)\n"
                }
            }
            watched += "2020-01-01,\(name),https://boxd.it/f\(film)\n"
            if film % 3 == 0 { ratings += "2020-01-01,\(name),https://boxd.it/f\(film),\(1 + film % 5)\n" }
            if film % 7 == 0 { watchlist += "2020-01-01,\(name),https://boxd.it/f\(film)\n" }
        }
        return [
            ("diary.csv", diary), ("watched.csv", watched), ("ratings.csv", ratings), ("watchlist.csv", watchlist),
            ("reviews.csv", reviews),
        ]
    }

    @Test("Workers that die at any moment leave what an undisturbed one leaves, and count the same")
    func crashes() async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0...UInt64.max))
        let files = Self.export(&random, films: 120)
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let calm = StandIns()
            let calmTools = Self.tools(pools[0], calm, pageRows: 20, rowsAtOnce: 50)
            let undisturbed = UserID(Self.ids.next())
            let calmImport = try await Self.work(
                try await Self.send(files, of: undisturbed, calmTools), of: undisturbed, calmTools)
            #expect(calmImport.state == .applied)
            let expected = try await Self.all(of: undisturbed, pools[0], calm)
            #expect(expected.count > 200)

            let others = StandIns()
            let tools = Self.tools(pools[0], others, lease: .milliseconds(150), pageRows: 20, rowsAtOnce: 50)
            let user = UserID(Self.ids.next())
            let id = try await Self.send(files, of: user, tools)
            var deaths = 0
            while deaths < 50 {
                let fate = Int.random(in: 1...6, using: &random)
                let points = Mutex(0)
                let (died, tell) = AsyncStream.makeStream(of: Void.self)
                let worker = ImportWorker(tools) { point in
                    if case .troubled = point { return }
                    guard
                        points.withLock({
                            $0 += 1; return $0 == fate
                        })
                    else { return }
                    tell.yield()
                    // A dead worker does nothing more.
                    try? await Task.sleep(for: .seconds(60))
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await worker.run() }
                    group.addTask {
                        for await _ in died { return }
                    }
                    group.addTask { try await Task.sleep(for: .seconds(5)) }
                    try await group.next()
                    group.cancelAll()
                }
                deaths += 1
                let found = try #require(try await tools.store.get(id, of: user, until: Self.deadline()))
                if !found.state.isUnderWay { break }
            }
            let finished = try await Self.work(id, of: user, tools)
            #expect(finished.state == .applied, "seed \(random.seed)")
            #expect(try await Self.all(of: user, pools[0], others) == expected, "seed \(random.seed)")
            #expect(others.ratingsByName == calm.ratingsByName, "seed \(random.seed)")
            #expect(finished.counts == calmImport.counts, "seed \(random.seed), \(deaths) deaths")
        }
    }

    @Test("Services that are away only make it later; an import that is given up writes nothing more")
    func awayAndCancelled() async throws {
        var random = SeededRandom(seed: 7)
        let files = Self.export(&random, films: 30)
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            let tools = Self.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            others.failNext(3)
            let id = try await Self.send(files, of: user, tools)
            #expect(try await Self.work(id, of: user, tools).state == .applied)
            let kept = try await Self.all(of: user, pools[0], others)
            #expect(!kept.isEmpty)

            let second = UserID(Self.ids.next())
            let previewed = try await Self.send(files, of: second, tools, apply: false)
            #expect(try await Self.work(previewed, of: second, tools).state == .ready)
            try await tools.store.cancel(previewed, of: second, at: Self.clock.now, until: Self.deadline())
            try await tools.store.apply(
                previewed, of: second, as: BatchID(Self.ids.next()), at: Self.clock.now, until: Self.deadline())
            #expect(try await Self.rested(previewed, of: second, tools).state == .cancelled)
            #expect(try await Self.all(of: second, pools[0], others).isEmpty)
        }
    }

    @Test("What its person removed stays removed; what is newer here stays; what is ambiguous waits")
    func verdicts() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            others.confuse("Two Of Them")
            let tools = Self.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            let head = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
            let diary =
                head
                + "2020-01-01,One,1999,https://boxd.it/aaaaa,4,,,2020-01-01\n2020-01-01,Two Of Them,1999,https://boxd.it/aaaab,,,,2020-01-01\n"
            let first = try await Self.work(
                try await Self.send([("diary.csv", diary)], of: user, tools), of: user, tools)
            #expect(first.counts?.new == 1)
            #expect(first.counts?.ambiguous == 1)
            let removed = try await pools[0].query(Self.playIDs, [.id(user)])
            let writer = LedgerWriter(
                user: user, source: "person", batch: nil, at: Self.clock.now, authority: .person)
            _ = try await LedgerStore(database: Database(pool: pools[0]), ids: Self.ids).remove(
                removed, by: writer, telling: false, until: Self.deadline())
            let again = try await Self.work(
                try await Self.send([("diary.csv", diary)], of: user, tools), of: user, tools)
            #expect(again.counts?.removedByYou == 1, "\(again)")
            #expect(again.counts?.ambiguous == 1)
            #expect(try await Self.all(of: user, pools[0], others).isEmpty)
            // An older rating from another file does not win.
            let older = "Date,Name,Year,Letterboxd URI,Rating\n2019-01-01,One,1999,,1\n"
            let third = try await Self.work(
                try await Self.send([("ratings.csv", older)], of: user, tools), of: user, tools)
            #expect(third.counts?.conflict == 1, "\(third)")
            #expect(others.ratings.values.map(\.rating.tenths) == [80])
        }
    }

    private static let playIDs = PGStatement("tests.playIDs", "SELECT id FROM plays WHERE user_id = $1") {
        row throws(PGError) in try row.next(PlayID.self)
    }

    /// Previously, both ended their file, and the import was still `applied` and counted as complete.
    @Test("A row that cannot be read is invalid and stops nothing; a file that breaks off makes the import partial")
    func badRows() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let others = StandIns()
            let tools = Self.tools(pools[0], others)
            let user = UserID(Self.ids.next())
            let head = "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
            func entry(_ name: String) -> String { "2020-01-01,\(name),1999,,,,,2020-01-01\n" }
            let wide = String(repeating: ",", count: 1_200) + "\n"
            let whole = try await Self.work(
                try await Self.send([("diary.csv", head + entry("One") + wide + entry("Two"))], of: user, tools),
                of: user, tools)
            #expect(whole.state == .applied && whole.counts?.new == 2 && whole.counts?.invalid == 1, "\(whole)")
            #expect(!whole.isPartial)
            let cut = try await Self.work(
                try await Self.send(
                    [("diary.csv", head + entry("Three") + "2020-01-01,\"Four,1999\n" + entry("Five"))], of: user, tools
                ),
                of: user, tools)
            #expect(cut.state == .applied && cut.counts?.new == 1 && cut.counts?.invalid == 1, "\(cut)")
            #expect(cut.isPartial)
            let play =
                #"{"id":1,"watched_at":"2020-01-02T03:04:00Z","type":"movie","movie":{"title":"Six","year":1999,"ids":{}}}"#
            let broken = try await Self.work(
                try await Self.send([("watched-history-1.json", "[\(play),{\"id\":2,")], of: user, tools), of: user,
                tools)
            #expect(broken.state == .applied && broken.counts?.new == 1 && broken.isPartial, "\(broken)")
            #expect(broken.files.first?.problem == "the JSON breaks off at element 2")
        }
    }

    @Test("Pieces come in order, once; what comes twice is taken once")
    func pieces() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let tools = Self.tools(pools[0], StandIns())
            let user = UserID(Self.ids.next())
            let id = ImportID(Self.ids.next())
            _ = try await tools.store.create(id, of: user, timeZone: "UTC", at: Self.clock.now, until: Self.deadline())
            func put(_ bytes: [UInt8], at start: Int) async throws -> ImportStore.PutAnswer {
                try await tools.store.put(bytes, at: start, of: 0, named: "a", id, of: user, until: Self.deadline())
            }
            #expect(try await put([1, 2, 3], at: 0) == .here(3))
            #expect(try await put([1, 2, 3], at: 0) == .here(3))
            #expect(try await put([5], at: 4) == .notReady)
            #expect(try await put([4], at: 3) == .here(4))
            #expect(try await put([1, 2], at: 0) == .notReady)
            let other = try await tools.store.put(
                [1], at: 0, of: 0, named: "a", id, of: UserID(Self.ids.next()), until: Self.deadline())
            #expect(other == .noSuchImport)
        }
    }

    @Test("An import that fails is told once")
    func failed() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let tools = Self.tools(pools[0], StandIns())
            let user = UserID(Self.ids.next())
            let id = try await Self.send([("strange.csv", "Colour,Size\nred,2\n")], of: user, tools)
            let failures = Mutex(0)
            let done = try await Self.work(id, of: user, tools) { point in
                if case .failed = point { failures.withLock { $0 += 1 } }
            }
            #expect(done.state == .failed)
            #expect(failures.withLock { $0 } == 1)
        }
    }
}
