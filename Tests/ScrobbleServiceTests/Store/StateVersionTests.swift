import Contracts
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// The version of the state of a person's titles, by which others tell whether what they know is still current.
@Suite struct StateVersionTests {
    private static let titles = (1...4).map { LedgerFixture.title($0) }

    private struct Seen: Equatable {
        var version: String
        var states: [TitleStanding]
    }

    private static func seen(_ watch: WatchStore, _ user: UserID) async throws -> Seen {
        let told = try await watch.states(
            wanted: [PersonTitles(user: user, titles: titles)], until: LedgerFixture.deadline())
        return Seen(version: try #require(told.first).version, states: told.compactMap(\.state))
    }

    /// Returns what a client that knows a version learns.
    private static func news(_ watch: WatchStore, _ user: UserID, since version: String) async throws
        -> [TitleStanding]?
    {
        let told = try await watch.states(
            wanted: [PersonTitles(user: user, titles: titles, known: version)], until: LedgerFixture.deadline())
        return try #require(told.first).isKnown ? nil : told.compactMap(\.state)
    }

    /// Makes one change in one of the ways in which a ledger changes.
    private static func change(
        _ fixture: LedgerFixture, _ way: Int, _ step: Int, _ batches: inout [BatchID], _ random: inout SeededRandom
    ) async throws {
        let deadline = LedgerFixture.deadline()
        let title = titles[Int(random.next() % 4)]
        func item<Details>(_ details: Details) -> ShelfItem<Details> {
            ShelfItem(title: title, kind: .movie, at: LedgerFixture.at(step * 10), details: details)
        }
        let writer = fixture.hand(at: step * 10)
        switch way {
        case 0:
            _ = try await fixture.shelves.put([item(WatchlistDetails(note: nil))], by: writer, until: deadline)
        case 1:
            _ = try await fixture.shelves.remove(
                [title], as: WatchlistDetails.self, at: LedgerFixture.at(step * 10), by: writer, until: deadline)
        case 2: _ = try await fixture.shelves.put([item(LikeDetails())], by: writer, until: deadline)
        case 3:
            _ = try await fixture.shelves.put(
                [item(ProgressDetails(percent: Double(random.next() % 90)))], by: writer, until: deadline)
        case 4, 5:
            let batch = try await fixture.newBatch()
            let number = Int(title.uuid.low)
            _ = try await fixture.add(
                [fixture.play(number, at: step * 100_000, from: "letterboxd", key: "\(step)")], batch)
            _ = try await fixture.shelves.put([item(LikeDetails())], by: fixture.file(batch), until: deadline)
            batches.append(batch)
        case 6:
            guard let batch = batches.popLast() else { return }
            _ = try await fixture.undo(batch)
        default:
            let plays = try await ScrobbleStore(database: Database(pool: fixture.pool))
                .plays(of: fixture.user, after: .newest, limit: 9, until: deadline)
            guard let play = plays.first else { return }
            if random.next() % 2 == 0 {
                let at = LedgerFixture.at(step * 100_000 + 50_000)
                _ = try await fixture.ledger.edit(
                    play.play.id, to: .second(at, day: at.date), timeZone: "UTC", by: writer, until: deadline)
            } else {
                _ = try await fixture.ledger.remove([play.play.id], by: writer, telling: false, until: deadline)
            }
        }
    }

    @Test("As long as a version holds nothing of what it stands for has changed, whoever writes by whichever road")
    func changes() async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        try await LedgerFixture.with { fixture in
            let watch = WatchStore(database: Database(pool: fixture.pool))
            let stranger = UserID(LedgerFixture.ids.next())
            let nothing = try await Self.seen(watch, stranger)
            var before = try await Self.seen(watch, fixture.user)
            var batches: [BatchID] = []
            var ways: Set<Int> = []
            for step in 1...120 {
                let way = Int(random.next() % 8)
                try await Self.change(fixture, way, step, &batches, &random)
                let after = try await Self.seen(watch, fixture.user)
                let place: Comment = "seed \(random.seed), step \(step), way \(way)"
                #expect(after.states == before.states || after.version != before.version, place)
                let news = try await Self.news(watch, fixture.user, since: before.version)
                #expect(news == (after.version == before.version ? nil : after.states), place)
                if after.states != before.states { ways.insert(way) }
                before = after
            }
            #expect(ways.count > 5, "only ways \(ways.sorted()) changed anything, seed \(random.seed)")
            #expect(try await Self.seen(watch, stranger) == nothing)
        }
    }

    @Test("A title that is merged into another changes the version of those who have it, and of nobody else")
    func merges() async throws {
        try await LedgerFixture.with { fixture in
            let watch = WatchStore(database: Database(pool: fixture.pool))
            let other = UserID(LedgerFixture.ids.next())
            _ = try await fixture.add([fixture.play(1, at: 0, from: "trakt", key: "a")], nil)
            let like = ShelfItem(
                title: LedgerFixture.title(4), kind: .movie, at: LedgerFixture.start, details: LikeDetails())
            _ = try await fixture.shelves.put(
                [like], by: .person(other, at: LedgerFixture.start), until: LedgerFixture.deadline())
            let (before, beside) = (try await Self.seen(watch, fixture.user), try await Self.seen(watch, other))
            let refs = TitleRefStore(database: Database(pool: fixture.pool))
            let move = TitleRedirect(
                number: 1, old: LedgerFixture.title(1), new: LedgerFixture.title(2), mergedAt: LedgerFixture.start)
            for step in TitleMoves.steps([move]) { try await refs.apply(step, until: LedgerFixture.deadline()) }
            let after = try await Self.seen(watch, fixture.user)
            #expect(after.version != before.version)
            #expect(after.states.map(\.plays) == [0, 1, 0, 0])
            #expect(try await Self.seen(watch, other) == beside)
        }
    }

    private static let like = PGCommand(
        "tests.like",
        """
        INSERT INTO likes (user_id, title_id, kind, added_at, source, changed_at)
        VALUES ($1, $2, 'movie', now(), 'person', now())
        """)

    /// A version based on the highest transaction id would miss it.
    @Test("A change that began first and is kept last is seen, and nobody waits for it")
    func overtaken() async throws {
        try await LedgerFixture.with { fixture in
            let database = Database(pool: fixture.pool)
            let watch = WatchStore(database: database)
            let (user, deadline) = (fixture.user, LedgerFixture.deadline())
            let start = try await Self.seen(watch, user)
            let between = try await database.transaction(until: deadline) { transaction throws(PGError) in
                try await transaction.execute(Self.like, [.id(user), .id(Self.titles[0])])
                let between: Result<Seen, any Error>
                do {
                    try await database.run(Self.like, [.id(user), .id(Self.titles[1])], until: deadline)
                    between = .success(try await Self.seen(watch, user))
                } catch {
                    between = .failure(error)
                }
                return between
            }
            let (middle, end) = (try between.get(), try await Self.seen(watch, user))
            #expect(Set([start, middle, end].map(\.version)).count == 3)
            #expect(middle.states.map(\.isLiked) == [false, true, false, false])
            #expect(end.states.map(\.isLiked) == [true, true, false, false])
        }
    }

    @Test("Who is asked about for several versions is told of each, in the order of the questions")
    func several() async throws {
        try await LedgerFixture.with { fixture in
            let database = Database(pool: fixture.pool)
            let (watch, deadline) = (WatchStore(database: database), LedgerFixture.deadline())
            try await database.run(Self.like, [.id(fixture.user), .id(Self.titles[0])], until: deadline)
            let version = try await Self.seen(watch, fixture.user).version
            let stranger = UserID(LedgerFixture.ids.next())
            func question(_ user: UserID, _ titles: [TitleID], _ known: String?) -> PersonTitles {
                PersonTitles(user: user, titles: titles, known: known)
            }
            let told = try await watch.states(
                wanted: [
                    question(fixture.user, [Self.titles[1], Self.titles[0]], "0:0"),
                    question(stranger, Self.titles, "0:0"), question(fixture.user, Self.titles, version),
                    question(fixture.user, [Self.titles[0]], nil), question(stranger, [], nil),
                ], until: deadline)
            #expect(told.map(\.index) == [0, 0, 1, 2, 3, 4])
            #expect(told.map(\.isKnown) == [false, false, true, true, false, false])
            #expect(told.map { $0.state?.isLiked } == [false, true, nil, nil, true, nil])
            #expect(told.map(\.version) == [version, version, "0:0", version, version, "0:0"])
        }
    }

    private static let age = PGCommand(
        "tests.age", "UPDATE state_changes SET changed_at = changed_at - interval '9 minutes' WHERE user_id = $1")

    @Test("What is old of it goes, after ten minutes; the version is another one then, and what is told the same")
    func sweep() async throws {
        try await LedgerFixture.with { fixture in
            let database = Database(pool: fixture.pool)
            let (watch, deadline) = (WatchStore(database: database), LedgerFixture.deadline())
            try await database.run(Self.like, [.id(fixture.user), .id(Self.titles[0])], until: deadline)
            let before = try await Self.seen(watch, fixture.user)
            try await database.run(Self.age, [.id(fixture.user)], until: deadline)
            #expect(try await watch.sweep(until: deadline) == false)
            #expect(try await Self.seen(watch, fixture.user) == before)
            try await database.run(Self.age, [.id(fixture.user)], until: deadline)
            #expect(try await watch.sweep(until: deadline) == false)
            let after = try await Self.seen(watch, fixture.user)
            #expect(after.version == "0:0" && after.states == before.states)
        }
    }
}
