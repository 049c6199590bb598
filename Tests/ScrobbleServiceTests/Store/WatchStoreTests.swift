import Contracts
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// State derived from plays, in a real Postgres.
@Suite struct WatchStoreTests {
    private static let today = LedgerFixture.start.date

    private static func series(_ number: Int) -> TitleID { TitleID(UUIDBits(high: 70, low: UInt64(number))) }
    private static func episode(_ series: Int, _ season: Int, _ number: Int) -> TitleID {
        TitleID(UUIDBits(high: UInt64(1_000 + series), low: UInt64(season * 100 + number)))
    }

    private static func play(_ title: TitleID, _ moment: PlayMoment, _ key: String, _ place: EpisodePlace?)
        -> IncomingPlay
    {
        IncomingPlay(
            title: title, kind: place == nil ? .movie : .episode, moment: moment, percent: nil, runtimeMinutes: nil,
            source: PlaySource(name: "file", key: key), episode: place)
    }

    /// Adds shows of random length, with some episodes in the future, some without a date, some watched at random
    /// times.
    private static func fill(
        _ fixture: LedgerFixture, _ refs: TitleRefStore, _ random: inout SeededRandom
    ) async throws -> [Int] {
        let deadline = LedgerFixture.deadline()
        var plays: [IncomingPlay] = []
        var shows: [Int] = []
        for show in 0..<25 {
            var episodes: [TitleRef] = []
            for season in 0..<4 {
                for number in 1...6 where random.next() % 6 > 0 {
                    let released = [-9, -1, 0, 1, nil][Int(random.next() % 5)].flatMap {
                        CalendarDate(daysSinceEpoch: today.daysSinceEpoch + $0)
                    }
                    let title = episode(show, season, number)
                    episodes.append(
                        TitleRef(
                            title: title, kind: .episode, series: series(show), season: season, number: number,
                            releasedOn: released))
                    for time in 0..<Int(random.next() % 3) where show % 5 > 0 {
                        // Whole hours, so that several episodes share a moment; some plays have no date.
                        let at = LedgerFixture.at(-Int(random.next() % 20) * 3_600)
                        plays.append(
                            play(
                                title, random.next() % 9 == 0 ? .unknown : .second(at, day: at.date),
                                "\(show) \(season) \(number) \(time)",
                                EpisodePlace(series: series(show), season: season, number: number)))
                    }
                }
            }
            try await refs.take(episodes, of: series(show), at: LedgerFixture.start, until: deadline)
            shows.append(show)
        }
        _ = try await fixture.add(plays, nil)
        return shows
    }

    @Test("What comes next in all shows at once is what the rule says of each")
    func next() async throws {
        var random = SeededRandom(seed: UInt64.random(in: 0 ... .max))
        for round in 0..<4 {
            try await LedgerFixture.with { fixture in
                let deadline = LedgerFixture.deadline()
                let database = Database(pool: fixture.pool)
                let watch = WatchStore(database: database)
                let shows = try await Self.fill(fixture, TitleRefStore(database: database), &random)
                var expected: [TitleID: TitleID] = [:]
                for show in shows {
                    let episodes = try await watch.episodes(
                        of: Self.series(show), season: nil, fixture.user, until: deadline)
                    let progress = ShowProgress(episodes, today: Self.today, withSpecials: false)
                    if progress.watched > 0, let next = progress.next { expected[Self.series(show)] = next.title }
                }
                let items = try await watch.goingOn(
                    fixture.user, today: Self.today, limit: 100, until: deadline)
                let found = Dictionary(items.map { ($0.series, $0.title) }) { first, _ in first }
                #expect(
                    found == Dictionary(expected.map { (Optional($0.key), $0.value) }) { first, _ in first },
                    "seed \(random.seed), round \(round)")
                #expect(items.map(\.at) == items.map(\.at).sorted(by: >), "seed \(random.seed), round \(round)")
                let few = try await watch.goingOn(fixture.user, today: Self.today, limit: 3, until: deadline)
                #expect(few == Array(items.prefix(3)), "seed \(random.seed), round \(round)")
            }
        }
    }

    @Test("What is half watched stands in the place of its show's next episode, until it was watched")
    func halves() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let database = Database(pool: fixture.pool)
            let (watch, refs) = (WatchStore(database: database), TitleRefStore(database: database))
            let episodes = (1...3).map {
                TitleRef(
                    title: Self.episode(1, 1, $0), kind: .episode, series: Self.series(1), season: 1, number: $0,
                    releasedOn: Self.today)
            }
            try await refs.take(episodes, of: Self.series(1), at: LedgerFixture.start, until: deadline)
            func goingOn() async throws -> [String] {
                try await watch.goingOn(fixture.user, today: Self.today, limit: 10, until: deadline)
                    .map { "\($0.kind) \($0.title.uuid.low) \($0.percent.map { "\(Int($0))" } ?? "next")" }
            }
            func half(_ title: TitleID, _ kind: TitleKind, at seconds: Int) async throws {
                let item = ShelfItem(
                    title: title, kind: kind, at: LedgerFixture.at(seconds), details: ProgressDetails(percent: 40))
                _ = try await fixture.shelves.put([item], by: fixture.hand(at: seconds), until: deadline)
            }
            #expect(try await goingOn() == [])
            try await half(LedgerFixture.title(5), .movie, at: 10)
            _ = try await fixture.add(
                [
                    Self.play(
                        Self.episode(1, 1, 1), .second(LedgerFixture.at(20), day: Self.today), "1",
                        EpisodePlace(series: Self.series(1), season: 1, number: 1))
                ], nil)
            #expect(try await goingOn() == ["episode 102 next", "movie 5 40"])
            try await half(Self.episode(1, 1, 2), .episode, at: 30)
            #expect(try await goingOn() == ["episode 102 40", "movie 5 40"])
            // Watched to the end in the meantime, by another road.
            _ = try await fixture.add(
                [
                    Self.play(
                        Self.episode(1, 1, 2), .second(LedgerFixture.at(40), day: Self.today), "2",
                        EpisodePlace(series: Self.series(1), season: 1, number: 2)),
                    Self.play(LedgerFixture.title(5), .second(LedgerFixture.at(41), day: Self.today), "3", nil),
                ], nil)
            #expect(try await goingOn() == ["episode 103 next"])
        }
    }

    @Test(
        "A show of which no play has a date stands where it was marked, and is there again though it was given up before"
    )
    func undated() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let database = Database(pool: fixture.pool)
            let (watch, refs) = (WatchStore(database: database), TitleRefStore(database: database))
            var plays: [IncomingPlay] = []
            for show in 1...2 {
                let episodes = (1...3).map {
                    TitleRef(
                        title: Self.episode(show, 1, $0), kind: .episode, series: Self.series(show), season: 1,
                        number: $0,
                        releasedOn: Self.today)
                }
                try await refs.take(episodes, of: Self.series(show), at: LedgerFixture.start, until: deadline)
                plays.append(
                    Self.play(
                        Self.episode(show, 1, 1),
                        show == 1 ? .second(LedgerFixture.at(20), day: Self.today) : .unknown, "\(show)",
                        EpisodePlace(series: Self.series(show), season: 1, number: 1)))
            }
            _ = try await fixture.add(plays, nil)
            // When `add` writes them.
            let marked = LedgerFixture.at(1_000_000)
            let items = try await watch.goingOn(fixture.user, today: Self.today, limit: 10, until: deadline)
            #expect(items.map(\.series) == [Self.series(2), Self.series(1)])
            #expect(items.map(\.at) == [marked, LedgerFixture.at(20)])
            let isGivenUp = PGCommand(
                "tests.givenUp",
                """
                INSERT INTO watchlist_items (user_id, title_id, kind, added_at, source, changed_at, status)
                VALUES ($1, $2, 'series', $3, 'person', $3, 'dropped')
                ON CONFLICT (user_id, title_id) DO UPDATE SET added_at = excluded.added_at
                """)
            for (seconds, count) in [(999_000, 2), (1_000_001, 1)] {
                try await fixture.pool.execute(
                    isGivenUp, [.id(fixture.user), .id(Self.series(2)), .moment(LedgerFixture.at(seconds))])
                let left = try await watch.goingOn(fixture.user, today: Self.today, limit: 10, until: deadline)
                #expect(left.count == count, "given up at \(seconds)")
            }
        }
    }

    @Test("What a sync or a file tells was watched since is not half watched; taken out or watched before, it is")
    func completedElsewhere() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let watch = WatchStore(database: Database(pool: fixture.pool))
            let title = LedgerFixture.title(1)
            let half = ShelfItem(
                title: title, kind: .movie, at: LedgerFixture.at(100_000), details: ProgressDetails(percent: 40))
            _ = try await fixture.shelves.put([half], by: fixture.hand(at: 100_000), until: deadline)
            let kept = HalfWatched(percent: 40, at: LedgerFixture.at(100_000))
            let batch = try await fixture.newBatch("trakt")
            _ = try await fixture.add([fixture.play(1, at: 10, from: "trakt", key: "1")], batch)
            #expect(try await watch.progress(of: title, to: fixture.user, until: deadline) == kept)
            let later = try await fixture.add([fixture.play(1, at: 200_000, from: "trakt", key: "2")], batch)
            #expect(try await watch.progress(of: title, to: fixture.user, until: deadline) == nil)
            _ = try await fixture.ledger.remove(
                later.map(\.play), by: fixture.hand(at: 300_000), telling: false, until: deadline)
            #expect(try await watch.progress(of: title, to: fixture.user, until: deadline) == kept)
        }
    }

    @Test("A click ends what was half watched before it, with a date or without; taken back, it is half watched again")
    func clicks() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let watch = WatchStore(database: Database(pool: fixture.pool))
            let titles = (1...4).map { LedgerFixture.title($0) }
            let halves = titles.map {
                ShelfItem(
                    title: $0, kind: .movie, at: LedgerFixture.at(10), details: ProgressDetails(percent: 40))
            }
            _ = try await fixture.shelves.put(halves, by: fixture.hand(at: 10), until: deadline)
            func goingOn() async throws -> Set<UInt64> {
                Set(
                    try await watch.goingOn(fixture.user, today: Self.today, limit: 10, until: deadline)
                        .map(\.title.uuid.low))
            }
            /// Asks for them together, one by one, and together with a person who knows none of them.
            func half() async throws -> [Set<UInt64>] {
                let people = [UserID(UUIDBits(high: 9, low: 9)), fixture.user]
                let wanted = people.map { PersonTitles(user: $0, titles: titles) }
                let told = try await watch.states(wanted: wanted, until: deadline)
                let beside = told.compactMap(\.state)
                #expect(told.map(\.index) == [0, 0, 0, 0, 1, 1, 1, 1])
                #expect(beside.map(\.title) == titles + titles)
                #expect(beside.prefix(4).allSatisfy { $0.percent == nil && $0.plays == 0 })
                let together = try await watch.states(of: titles, to: fixture.user, until: deadline)
                var alone: [TitleStanding] = []
                for title in titles {
                    alone.append(contentsOf: try await watch.states(of: [title], to: fixture.user, until: deadline))
                }
                return [together, alone, beside].map { states in
                    Set(states.filter { $0.percent == 40 }.map(\.title.uuid.low))
                }
            }
            // An earlier play says nothing about what came after it.
            _ = try await fixture.add(
                [
                    fixture.play(1, at: 20, from: "manual", key: "1"), fixture.play(4, at: 5, from: "manual", key: "4"),
                ], nil, byHand: true)
            let mark = try await fixture.newBatch("person")
            let undated = IncomingPlay(
                title: titles[1], kind: .movie, moment: .unknown, percent: nil, runtimeMinutes: 100,
                source: PlaySource(name: "manual", key: "2"))
            _ = try await fixture.add([undated], mark, byHand: true)
            let sync = try await fixture.newBatch("trakt")
            _ = try await fixture.add([fixture.play(3, at: 20, from: "trakt", key: "3")], sync)
            #expect(try await goingOn() == [4])
            #expect(try await half() == Array(repeating: [4], count: 3))
            _ = try await fixture.undo(mark)
            #expect(try await goingOn() == [2, 4])
            #expect(try await half() == Array(repeating: [2, 4], count: 3))
        }
    }

    @Test("Each answer tells of which version of everything in the database it is, and any change is another")
    func data() async throws {
        try await LedgerFixture.with { fixture in
            let database = Database(pool: fixture.pool)
            let wanted = [PersonTitles(user: fixture.user, titles: [LedgerFixture.title(1)])]
            func data() async throws -> String? {
                try await LookUpTitleStates(watch: WatchStore(database: database)).run(
                    LookUpTitleStatesParams(wanted: wanted),
                    RPCContext(deadline: LedgerFixture.deadline(), trace: .root())
                ).data
            }
            let before = try #require(try await data())
            _ = try await fixture.add([fixture.play(1, at: 10, from: "manual", key: "1")], nil, byHand: true)
            #expect(try await data() != before)
            // Something else may commit between the two questions, such as the server's own statistics.
            #expect(try await eventually { try await data() == database.version(until: LedgerFixture.deadline()) })
        }
    }

    @Test("A play whose show is not known is brought home once metadata has told it")
    func homeless() async throws {
        try await LedgerFixture.with { fixture in
            let deadline = LedgerFixture.deadline()
            let database = Database(pool: fixture.pool)
            let (watch, refs) = (WatchStore(database: database), TitleRefStore(database: database))
            let at = LedgerFixture.at(5)
            let lost = IncomingPlay(
                title: Self.episode(2, 1, 1), kind: .episode, moment: .second(at, day: at.date), percent: nil,
                runtimeMinutes: nil, source: PlaySource(name: "file", key: "1"))
            let strange = IncomingPlay(
                title: Self.episode(3, 1, 1), kind: .episode, moment: .second(at, day: at.date), percent: nil,
                runtimeMinutes: nil, source: PlaySource(name: "file", key: "2"))
            _ = try await fixture.add([lost, strange], nil)
            func homeless() async throws -> Set<TitleID> {
                Set(try await refs.homeless(since: LedgerFixture.at(-9), limit: 10, until: deadline))
            }
            #expect(try await homeless() == [lost.title, strange.title])
            let found = (1...2).map {
                TitleRef(
                    title: Self.episode(2, 1, $0), kind: .episode, series: Self.series(2), season: 1, number: $0,
                    releasedOn: Self.today)
            }
            try await refs.remember(
                found + [TitleRef(unknown: strange.title)], at: LedgerFixture.start, until: deadline)
            try await refs.bringHome([lost.title, strange.title], until: deadline)
            #expect(try await homeless() == [])
            #expect(try await refs.stale(before: LedgerFixture.start, limit: 9, until: deadline) == [Self.series(2)])
            let items = try await watch.goingOn(fixture.user, today: Self.today, limit: 9, until: deadline)
            #expect(items.map(\.title) == [Self.episode(2, 1, 2)])
        }
    }
}
