import Contracts
import Logging
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@testable import MetadataService

/// The worker for due titles and what it writes, with a real database.
@Suite("Working due titles", .serialized)
struct RefreshWorkTests {
    /// Never answers.
    private final class Stuck: ProviderClient {
        let provider = ProviderID.tmdb
        let asked = Mutex(0)

        func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
            asked.withLock { $0 += 1 }
            do { try await Task.sleep(for: .seconds(600)) } catch { throw .timeout }
            return nil
        }

        func search(_: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { [] }
    }

    private static let leases = PGStatement(
        "tests.leases", "SELECT count(*) FROM title_refresh WHERE lease_until IS NOT NULL"
    ) { row throws(PGError) in try row.next(Int.self) }

    @Test("a replica that stops gives its turns back, and writes nothing of what it cut short")
    func stop() async throws {
        try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
            let stuck = Stuck()
            let replica = Replica(pools[0], [stuck])
            _ = try await replica.resolve(
                (0..<5).map { TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 1 + $0)) }, missing: .create)
            let worker = RefreshWorker(
                enricher: replica.enricher, demand: replica.demand, logger: Logger(label: "test"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await worker.run() }
                while stuck.asked.withLock(\.self) < 5 { try await Task.sleep(for: .milliseconds(5)) }
                #expect(try await pools[1].first(Self.leases) == 5)
                group.cancelAll()
            }
            await worker.flush()
            #expect(try await pools[1].first(Self.leases) == 0)
            let other = Replica(pools[1], [])
            let next = try await other.store.leaseDue(10, until: .now + .seconds(5))
            #expect(next.count == 5 && next.allSatisfy { $0.outcomes.isEmpty && $0.attempts == 0 })
        }
    }

    @Test("whoever stops waiting for a refresh leaves no lease behind")
    func gone() async throws {
        try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
            let stuck = Stuck()
            let replica = Replica(pools[0], [stuck])
            let made = try await replica.resolve(
                [TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 1))], missing: .create)
            let id = try #require(made[0].title?.id)
            let caller = Task { try await replica.refresh(id) }
            while stuck.asked.withLock(\.self) < 1 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await pools[1].first(Self.leases) == 1)
            caller.cancel()
            await #expect(throws: (any Error).self) { try await caller.value }
            #expect(try await pools[1].first(Self.leases) == 0)
            #expect(try await Replica(pools[1], []).store.begin(id, until: .now + .seconds(5)) != nil)
        }
    }

    private final class Wall: WallClock {
        private let moment = Mutex(SystemWallClock().now)
        var now: Timestamp { moment.withLock { $0 } }
        func move(by time: Duration) { moment.withLock { $0 = $0.advanced(by: time) } }
    }

    /// Counts how often it is asked, and answers unless told to fail.
    private final class Counting: ProviderClient {
        let provider: ProviderID
        private let fails: Bool
        private let clock: any WallClock
        private let asked = Mutex(0)

        init(_ provider: ProviderID, fails: Bool, clock: any WallClock) {
            self.provider = provider
            self.fails = fails
            self.clock = clock
        }

        var askedCount: Int { asked.withLock(\.self) }

        func facts(_ subject: ProviderSubject) async throws(ProviderError) -> ProviderFacts? {
            asked.withLock { $0 += 1 }
            if fails { throw .unauthorized }
            var facts = ProviderFacts(
                provider: provider, kind: subject.kind,
                fetchedAtMilliseconds: clock.now.microsecondsSinceEpoch / 1_000)
            facts.name = "Ember & Ash"
            return facts
        }

        func search(_: ProviderQuery) async throws(ProviderError) -> [ProviderFacts] { [] }
    }

    @Test("a title that comes back early for who failed is no reason to ask the others")
    func early() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let wall = Wall()
            let (well, failing) = (
                Counting(.tmdb, fails: false, clock: wall), Counting(.omdb, fails: true, clock: wall)
            )
            let replica = Replica(pools[0], [well, failing], clock: wall)
            let made = try await replica.resolve(
                [TitleQuery(kind: .movie, ids: ExternalIds(imdb: "tt9100020"))], missing: .create)
            let id = try #require(made[0].title?.id)
            func work() async throws {
                let record = try #require(try await replica.store.begin(id, until: .now + .seconds(5)))
                let turn = replica.enricher.background()
                _ = try await replica.enricher.work(record, isForced: false, turn: turn, until: turn.deadline)
            }
            try await work()
            wall.move(by: .days(2))
            try await work()
            #expect(well.askedCount == 1 && failing.askedCount == 2)
            wall.move(by: .days(30))
            try await work()
            #expect(well.askedCount == 2 && failing.askedCount == 3)
        }
    }

    /// Whenever the lease expired, every two minutes, all providers used to be asked again about a title that could not
    /// be stored.
    @Test("a title that cannot be stored is not asked about again before its time, whoever looks at it")
    func refusedStore() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let wall = Wall()
            let teller = Counting(.tmdb, fails: false, clock: wall)
            let replica = Replica(pools[0], [teller], clock: wall)
            let made = try await replica.resolve(
                [TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 1))], missing: .create)
            let id = try #require(made[0].title?.id)
            try await pools[0].execute(
                PGCommand(
                    "tests.refuse", "ALTER TABLE provider_facts ADD CONSTRAINT refused CHECK (provider <> 'tmdb')",
                    kind: .solo))
            var limits = RefreshLimits()
            limits.interval = .milliseconds(10)
            let worker = RefreshWorker(
                enricher: replica.enricher, demand: replica.demand, logger: Logger(label: "test"), limits: limits)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await worker.run() }
                for _ in 0..<1_000 {
                    if teller.askedCount > 0, try await pools[0].first(Self.leases) == 0 { break }
                    try await Task.sleep(for: .milliseconds(10))
                }
                group.cancelAll()
            }
            #expect(teller.askedCount == 1)
            #expect(try await pools[0].first(Self.leases) == 0, "the turn has ended")
            try await replica.store.want([(id, wall.now)], until: .now + .seconds(5))
            #expect(try await replica.store.leaseDue(10, until: .now + .seconds(5)).isEmpty)
            // A manual refresh is possible at any time, and once the title can be stored, the failures are forgotten.
            await #expect(throws: (any Error).self) { try await replica.refresh(id) }
            #expect(teller.askedCount == 2)
            #expect(try await replica.store.leaseDue(10, until: .now + .seconds(5)).isEmpty)
            try await pools[0].execute(
                PGCommand("tests.allow", "ALTER TABLE provider_facts DROP CONSTRAINT refused", kind: .solo))
            #expect(try await replica.refresh(id).name == "Ember & Ash")
            #expect(try await replica.store.begin(id, until: .now + .seconds(5))?.attempts == 0)
        }
    }

    /// Every look at such a series used to ask all providers for its seasons again.
    @Test(
        "seasons that cannot be fetched or stored are not asked for again before their time", arguments: [true, false])
    func refusedChildren(fails: Bool) async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let teller = Counting(.tmdb, fails: fails, clock: SystemWallClock())
            let replica = Replica(pools[0], [teller])
            let made = try await replica.resolve(
                [TitleQuery(kind: .series, ids: ExternalIds(tmdb: 1))], missing: .create)
            let id = try #require(made[0].title?.id)
            try await pools[0].execute(
                PGCommand(
                    "tests.refuse", "ALTER TABLE provider_facts ADD CONSTRAINT refused CHECK (provider <> 'tmdb')",
                    kind: .solo))
            // A series that was never asked about is due at once. The answer cannot be stored, which the caller is
            // told.
            _ = try? await replica.children(id)
            #expect(teller.askedCount == 1)
            let begun = ContinuousClock.now
            for _ in 0..<3 { #expect(try await replica.children(id).isEmpty) }
            #expect(teller.askedCount == 1)
            #expect(ContinuousClock.now - begun < .seconds(5), "nobody's turn is waited for")
            // A person may ask at any time.
            _ = try? await replica.refresh(id)
            #expect(teller.askedCount == 2)
            #expect(try await replica.children(id).isEmpty)
            #expect(teller.askedCount == 2)
            try await pools[0].execute(
                PGCommand("tests.allow", "ALTER TABLE provider_facts DROP CONSTRAINT refused", kind: .solo))
            try await pools[0].execute(PGCommand("tests.due", "UPDATE title_refresh SET due_at = now()"))
            _ = try await replica.children(id)
            #expect(teller.askedCount == 3)
            #expect(try await replica.get(id).isLocal == fails)
        }
    }

    @Test("callers who go away are no failures of a provider that they waited for")
    func goneCallers() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let stuck = Stuck()
            let gate = SharedGate(
                .tmdb, store: MetadataStore(database: Database(pool: pools[0])), clock: SystemWallClock())
            let panel = ProviderPanel(clients: [stuck], skipped: [], gates: [.tmdb: gate])
            let turn = ProviderTurn(deadline: .now + .seconds(60), isBackground: false)
            let callers = Task {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<ProviderStanding.failuresMax {
                        group.addTask {
                            _ = await panel.ask(
                                ProviderSubject(kind: .movie), asked: [.tmdb], known: [], turn: turn)
                        }
                    }
                }
            }
            while stuck.asked.withLock(\.self) < ProviderStanding.failuresMax {
                try await Task.sleep(for: .milliseconds(5))
            }
            callers.cancel()
            await callers.value
            // Throws if the provider is being left alone.
            try await gate.enter()
            gate.leave()
        }
    }

    @Test("two replicas drain a backlog of 100 000 titles: each once, the longest due first")
    func backlog() async throws {
        try await TestDatabase.withReplicas(2, migrations: MetadataService.migrations) { pools in
            let count = 100_000
            try await pools[0].execute(
                PGCommand(
                    "tests.backlog",
                    """
                    WITH made AS (
                        INSERT INTO titles (id, kind, name, is_local, created_at, updated_at)
                        SELECT gen_random_uuid(), 'movie', 'Film ' || n, true, now(), now()
                        FROM generate_series(1, $1) AS n RETURNING id
                    )
                    INSERT INTO title_refresh (title_id, due_at)
                    SELECT id, now() - random() * interval '30 days' FROM made
                    """), [.int8(Int64(count))], deadline: .now + .seconds(120))
            try await pools[0].execute(PGCommand("tests.analyze", "ANALYZE titles, title_refresh"))
            let leased = try await withThrowingTaskGroup(of: [[TitleID]].self) { group in
                for pool in pools {
                    group.addTask {
                        var turns: [[TitleID]] = []
                        while true {
                            let rows = try await pool.query(
                                Self.leaseIDs, [.int(500), .int8(120_000_000)], deadline: .now + .seconds(30))
                            if rows.isEmpty { return turns }
                            turns.append(rows)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let all = leased.flatMap(\.self)
            #expect(all.count == count && Set(all).count == count, "each title has one turn")
            let order = try await pools[0].query(
                PGStatement(
                    "tests.order",
                    "SELECT t.id FROM titles t JOIN title_refresh r ON r.title_id = t.id ORDER BY r.due_at"
                ) { row throws(PGError) in try row.next(TitleID.self) }, deadline: .now + .seconds(60))
            let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($0.element, $0.offset) })
            for turn in leased {
                let places = turn.compactMap { place[$0] }
                #expect(places == places.sorted(), "within a lease by due time")
                // Only what the other replica leases while this statement runs may lie in between: on a busy machine,
                // several leases of 500.
                #expect((places.last ?? 0) - (places.first ?? 0) < 10_000, "no lease reaches far ahead")
            }
        }
    }

    /// The service's own statement, of which only the ids are read: 100 000 whole records would show no more.
    private static let leaseIDs = PGStatement(
        "tests.leaseDue", MetadataQueries.lease.text.sql, kind: .write
    ) { row throws(PGError) in
        _ = try row.next(Int.self)
        _ = try row.next(Int.self)
        return try row.next(TitleID.self)
    }

    @Test("history is thinned to weeks and months with age, and never grows beyond its bound")
    func history() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let id = try #require(
                try await replica.resolve([TitleQuery(kind: .movie, ids: ExternalIds(tmdb: 1))], missing: .create)[0]
                    .title?.id)
            // One change a day from each of two sources for three years.
            try await pools[0].execute(
                PGCommand(
                    "tests.history",
                    """
                    INSERT INTO rating_history (title_id, source, at, value, score, votes, via)
                    SELECT $1, s, now() - n * interval '1 day', n::text, 50, 1, 'tmdb'
                    FROM generate_series(1100, 1, -1) AS n, unnest(ARRAY['tmdb', 'imdb']) AS s
                    """), [.id(id)])
            try await pools[0].execute(
                PGCommand("tests.old", "UPDATE titles SET enriched_at = now() - interval '2 days' WHERE id = $1"),
                [.id(id)])
            let record = try #require(try await replica.store.begin(id, until: .now + .seconds(5)))
            var facts = ProviderFacts(
                provider: .tmdb, kind: .movie,
                fetchedAtMilliseconds: SystemWallClock().now.microsecondsSinceEpoch / 1_000)
            facts.add(
                ScoreReading(
                    source: .tmdb, figure: NativeFigure("8.1"), votes: 10, via: .tmdb,
                    fetchedAtMilliseconds: facts.fetchedAtMilliseconds))
            let turn = replica.enricher.background()
            _ = try await replica.enricher.store(
                [ProviderReport(.tmdb, facts: facts)], kept: [], of: record, until: turn.deadline)
            let left = try await pools[0].query(
                PGStatement(
                    "tests.left",
                    """
                    SELECT source, count(*), count(*) FILTER (WHERE at > now() - interval '89 days'),
                        count(*) FILTER (WHERE at < now() - interval '91 days' AND at > now() - interval '729 days'),
                        count(*) FILTER (WHERE at < now() - interval '731 days')
                    FROM rating_history GROUP BY source ORDER BY source
                    """
                ) { row throws(PGError) in
                    (
                        try row.next(String.self), try row.next(Int.self), try row.next(Int.self),
                        try row.next(Int.self), try row.next(Int.self)
                    )
                })
            #expect(left.map(\.0) == ["imdb", "tmdb"])
            for row in left {
                #expect((88...90).contains(row.2), "every change of a quarter stays: \(row)")
                #expect((90...94).contains(row.3), "a week keeps its last: \(row)")
                #expect((12...14).contains(row.4), "a month keeps its last: \(row)")
            }
            // The latest change is the one just made.
            #expect(try await replica.history(id).first?.value == "8.1/10")
        }
    }

    @Test("Seasons keep the names and scores of who lists them first while it has nothing new to say")
    func seasons() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let replica = Replica(pools[0], [])
            let made = try await replica.resolve(
                [TitleQuery(kind: .series, ids: ExternalIds(tmdb: 1))], missing: .create)
            let id = try #require(made[0].title?.id)
            func refresh(_ reports: [ProviderReport]) async throws -> [Title] {
                let record = try #require(try await replica.store.begin(id, until: .now + .seconds(5)))
                _ = try await replica.enricher.store(reports, kept: [], of: record, until: .now + .seconds(5))
                return try await replica.children(id)
            }
            let other = Self.report(.tvmaze, [(1, nil), (2, "The Second")])
            let first = try await refresh([Self.report(.tmdb, [(1, "Book One")]), other])
            #expect(first.map(\.name) == ["Book One", "The Second"])
            #expect(first.map(\.externalRatings.count) == [1, 0])
            let unchanged = try await refresh([Self.report(.tmdb, []), other])
            #expect(unchanged.map(\.name) == ["Book One", "The Second"])
            #expect(unchanged.map(\.externalRatings.count) == [1, 0])
            #expect(unchanged.map(\.overview) == ["Told by tmdb", "Told by tvmaze"])
            // A provider that counts by year adds no seasons of its own, even though the first lists none this time.
            let byYear = try await refresh([
                Self.report(.tmdb, []), Self.report(.tvmaze, [(2014, "Year One"), (2015, nil)]),
            ])
            #expect(byYear.map(\.name) == ["Book One", "The Second"])
            let added = try await refresh([Self.report(.tmdb, []), Self.report(.tvmaze, [(0, "Extras"), (3, nil)])])
            #expect(added.map(\.seasonNumber) == [0, 1, 2, 3])
            let changed = try await refresh([Self.report(.tmdb, [(1, "Book I")]), other])
            #expect(changed.map(\.name) == ["Extras", "Book I", "The Second", "Season 3"])
        }
    }

    /// What a provider reports of a series with these seasons; TMDb includes scores.
    private static func report(_ provider: ProviderID, _ seasons: [(number: Int, name: String?)]) -> ProviderReport {
        let now = SystemWallClock().now.microsecondsSinceEpoch / 1_000
        var facts = ProviderFacts(provider: provider, kind: .series, fetchedAtMilliseconds: now)
        facts.name = "Saltmarsh"
        facts.children = seasons.map { number, name in
            var season = ProviderFacts(provider: provider, kind: .season, fetchedAtMilliseconds: now)
            season.seasonNumber = number
            season.name = name
            season.overview = "Told by \(provider)"
            guard provider == .tmdb else { return season }
            season.add(
                ScoreReading(
                    source: .tmdb, figure: NativeFigure("8.1"), via: .tmdb, fetchedAtMilliseconds: now))
            return season
        }
        return ProviderReport(provider, facts: facts)
    }
}
