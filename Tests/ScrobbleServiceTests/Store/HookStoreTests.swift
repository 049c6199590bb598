import Contracts
import Cryptography
import Postgres
import Store
import TestSupport
import Testing

@testable import ScrobbleService

/// Hooks and their deliveries in a real Postgres, through replicas that share it.
@Suite struct HookStoreTests {
    private static let ids = SystemIDSource()
    private static let now = SystemWallClock().now

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(30)) }

    private static func secret(_ text: String = "one") -> SHA256Digest { SHA256.hash(text) }

    private struct Place {
        let stores: [HookStore]
        let playback: PlaybackStore
        let pool: PGPool
        let user: UserID
        let hook: HookPlace
    }

    private static func withHook(_ body: (Place) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            let stores = pools.map { HookStore(database: Database(pool: $0), ids: ids) }
            let user = UserID(ids.next())
            _ = try await stores[0].create(
                "den", of: user, secret: secret(), timeZone: "Europe/Vienna", removesPlays: true, at: now,
                until: deadline())
            let hook = try #require(try await stores[1].opened(by: secret(), at: now, until: deadline()))
            try await body(
                Place(
                    stores: stores, playback: PlaybackStore(database: Database(pool: pools[1]), ids: ids),
                    pool: pools[0], user: user, hook: hook))
        }
    }

    private static func text(
        _ event: String, account: String? = "alice", server: String = "den", at: Timestamp = now,
        title: String = "Film",
        position: Int = 5_700
    ) -> String {
        let account = account.map { #""account":"\#($0)","# } ?? ""
        return
            #"{"event":"\#(event)",\#(account)"server":"\#(server)","player":"tv","occurred_at":"\#(at)","kind":"movie","title":"\#(title)","position_seconds":\#(position),"duration_seconds":6000}"#
    }

    private static func receive(
        _ place: Place, _ text: String, by replica: Int = 0, at: Timestamp = now
    ) async throws -> HookStore.Receipt? {
        try await place.stores[replica].receive(
            text, try #require(HookReading(Array(text.utf8))), at: place.hook, fingerprints: [SHA256.hash(text)],
            now: at,
            until: deadline())
    }

    /// Works the deliveries that are due, with their titles resolved by name.
    private static func work(_ place: Place, at heardAt: Timestamp = now) async throws {
        for delivery in try await place.stores[0].due(place.hook, until: deadline()) {
            let reading = try #require(HookReading(Array(delivery.payload.utf8)))
            guard case .event(let event) = reading.content, let person = delivery.person else { continue }
            let title = TitleID(UUIDBits(high: 9, low: UInt64(event.item.name?.count ?? 0)))
            let hearing = PlaybackStore.Hearing(
                user: person, title: title, kind: .movie,
                word: PlayerWord(event, receivedAt: delivery.receivedAt, heardAt: heardAt, runtime: .seconds(6_000)),
                runtimeMinutes: 100, timeZone: delivery.timeZone ?? "UTC", player: "events \(event.player)",
                companions: [title], source: PlaySource(name: "events", key: "\(delivery.id)"),
                removesPlays: delivery.removesPlays)
            try await place.stores[0].apply(
                delivery.id, of: place.user, [hearing], by: place.playback, until: deadline())
        }
    }

    private static func plays(_ place: Place) async throws -> Int {
        try await place.pool.first(
            PGStatement("tests.plays", "SELECT count(*) FROM plays WHERE removed_at IS NULL") { row throws(PGError) in
                try row.next(Int.self)
            }) ?? -1
    }

    private static func deliveries(_ place: Place) async throws -> [HookDelivery] {
        try await place.stores[0].deliveries(
            of: place.hook.hook, place.user, before: HookDeliveryID(UUIDBits(high: .max, low: .max)), limit: 1_000,
            until: deadline())
    }

    private static func assign(_ place: Place, _ account: String = "alice", to person: UserID? = nil) async throws {
        try await place.pool.execute(
            PGCommand(
                "tests.account",
                """
                INSERT INTO hook_accounts (user_id, hook_id, account, name, first_seen_at, last_seen_at)
                VALUES ($1, $2, $3, $3, now(), now()) ON CONFLICT DO NOTHING
                """), [.id(place.user), .id(place.hook.hook), .text(account)])
        let assigned = try await place.stores[0].assign(
            AssignHookAccountParams(
                user: place.user, hook: place.hook.hook, account: account, person: person ?? place.user,
                timeZone: "Europe/Vienna"), until: deadline())
        #expect(assigned?.person == person ?? place.user)
    }

    @Test("One delivery that comes a hundred times at once is taken in once, and is known a day later")
    func repeated() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            let text = Self.text("stop")
            let receipts = try await withThrowingTaskGroup(of: HookStore.Receipt?.self) { group in
                for number in 0..<100 { group.addTask { try await Self.receive(place, text, by: number % 2) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(receipts.filter { $0 == .repeated }.count == 99)
            #expect(try await Self.receive(place, text) == .repeated)
            let hook = try #require(
                try await place.stores[0].get(place.hook.hook, of: place.user, until: Self.deadline()))
            #expect(hook.accepted == 1 && hook.repeated == 100 && hook.refused == 0)
            #expect(try await Self.deliveries(place).count == 1)
        }
    }

    @Test("Whoever pauses, goes on and pauses again at the same second has paused; a pause that is sent twice is one")
    func pausedAgain() async throws {
        try await Self.withHook { place in
            func say(_ event: String, title: String = "x") async throws -> Bool {
                let text =
                    #"{"event":"media.\#(event)","Player":{"uuid":"tv"},"Metadata":{"type":"movie","ratingKey":"1","title":"\#(title)","viewOffset":60000,"duration":600000}}"#
                let receipt = try await Self.receive(place, text)
                try await Self.work(place)
                return receipt != .repeated
            }
            #expect(try await say("play"))
            #expect(try await say("pause"))
            #expect(try await !say("pause"))
            // An event for another title says nothing about this one.
            #expect(try await say("resume", title: "another"))
            #expect(try await !say("pause"))
            #expect(try await say("resume"))
            #expect(try await say("pause"), "it was playing in between")
            let open = try await place.playback.now(of: place.user, at: Self.now, limit: 5, until: Self.deadline())
            #expect(open.first { $0.title.uuid.low == 1 }?.state == .paused)
            #expect(try await say("stop"))
            #expect(try await !say("stop"))
            #expect(try await say("play"))
            #expect(try await say("stop"), "it was playing in between")
        }
    }

    @Test("Without the unique index the same delivery is taken in again and again")
    func noUniqueIndex() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            try await place.pool.execute(
                PGCommand(
                    "tests.mutate", "ALTER TABLE hook_fingerprints DROP CONSTRAINT hook_fingerprints_pkey", kind: .solo)
            )
            let text = Self.text("stop")
            for _ in 0..<3 { #expect(try await Self.receive(place, text) != .repeated) }
        }
    }

    @Test("What an account sent waits until somebody says whose it is, and is theirs then")
    func household() async throws {
        try await Self.withHook { place in
            let bob = UserID(Self.ids.next())
            guard case .quarantined? = try await Self.receive(place, Self.text("stop", account: "bob")) else {
                Issue.record("taken in although nobody knows whose it is")
                return
            }
            try await Self.work(place)
            #expect(try await Self.plays(place) == 0)
            let accounts = try await place.stores[0].accounts(of: place.hook.hook, place.user, until: Self.deadline())
            #expect(accounts.map(\.account) == ["bob"] && accounts[0].waiting == 1)
            try await Self.assign(place, "bob", to: bob)
            try await Self.work(place)
            let whose = try await place.pool.first(
                PGStatement("tests.whose", "SELECT user_id FROM plays") { row throws(PGError) in
                    try row.next(UserID.self)
                })
            #expect(whose == bob)
            #expect(try await Self.deliveries(place).map(\.state) == [.done])
            // Bob leaves: his account belongs to nobody again, and nothing of his remains.
            _ = try await ScrobbleStore(database: Database(pool: place.pool)).deletePerson(
                bob, at: Self.now, until: Self.deadline())
            let after = try await place.stores[0].accounts(of: place.hook.hook, place.user, until: Self.deadline())
            #expect(after.map(\.person) == [nil])
            guard case .quarantined? = try await Self.receive(place, Self.text("stop", account: "bob", title: "Other"))
            else {
                Issue.record("taken in for somebody who has left")
                return
            }
        }
    }

    @Test("What is delivered falls on the days of where its person lives now, also at somebody else's hook")
    func movedHouse() async throws {
        try await Self.withHook { place in
            let bob = UserID(Self.ids.next())
            try await Self.assign(place, "alice")
            try await Self.assign(place, "bob", to: bob)
            for (number, account) in [nil, "alice", "bob"].enumerated() {
                let at = Self.now.advanced(by: .seconds(number))
                _ = try await Self.receive(place, Self.text("play", account: account, at: at))
            }
            func zones() async throws -> [String?] {
                try await place.stores[1].due(place.hook, until: Self.deadline()).map(\.timeZone)
            }
            #expect(try await zones() == ["Europe/Vienna", "Europe/Vienna", "Europe/Vienna"])
            for isChanged in [true, false] {
                #expect(
                    try await place.stores[0].setTimeZone("Asia/Tokyo", of: place.user, until: Self.deadline())
                        == isChanged)
            }
            #expect(try await zones() == ["Asia/Tokyo", "Asia/Tokyo", "Europe/Vienna"])
            #expect(try await place.stores[0].setTimeZone("America/Lima", of: bob, until: Self.deadline()))
            #expect(try await zones() == ["Asia/Tokyo", "Asia/Tokyo", "America/Lima"])
            try await Self.work(place)
            #expect(
                try await place.stores[0].setTimeZone("UTC", of: bob, until: Self.deadline()), "what he watches now")
            let zone = PGStatement(
                "tests.zone", "SELECT time_zone FROM playback_sessions WHERE user_id = $1"
            ) { row throws(PGError) in try row.next(String.self) }
            #expect(try await place.pool.first(zone, [.id(bob)]) == "UTC")
        }
    }

    @Test("An account that is left out changes nothing, also what waited")
    func leftOut() async throws {
        try await Self.withHook { place in
            _ = try await Self.receive(place, Self.text("stop", account: "guest"))
            _ = try await place.stores[0].assign(
                AssignHookAccountParams(user: place.user, hook: place.hook.hook, account: "guest", isIgnored: true),
                until: Self.deadline())
            #expect(
                try await Self.receive(place, Self.text("play", account: "guest"))
                    == .ignored("this account is ignored"))
            try await Self.work(place)
            #expect(try await Self.plays(place) == 0)
            #expect(try await Self.deliveries(place).allSatisfy { $0.state == .ignored })
        }
    }

    @Test("Another server is refused, counted and shown; a script without a server is the owner's")
    func servers() async throws {
        try await Self.withHook { place in
            _ = try await Self.receive(place, Self.text("play", account: nil))
            #expect(try await Self.receive(place, Self.text("play", server: "attic")) == .otherServer)
            let hook = try #require(
                try await place.stores[0].get(place.hook.hook, of: place.user, until: Self.deadline()))
            #expect(hook.server?.id == "den" && hook.refused == 1 && hook.sender == "events")
            #expect(try await Self.deliveries(place).map(\.state) == [.refused, .pending])
            _ = try await place.stores[0].update(
                UpdateHookParams(user: place.user, hook: place.hook.hook, forgetServer: true), until: Self.deadline())
            guard case .accepted? = try await Self.receive(place, Self.text("play", account: nil, server: "attic"))
            else {
                Issue.record("the new server is not taken")
                return
            }
        }
    }

    @Test("A secret that was changed counts for as long as was said, and no longer")
    func secrets() async throws {
        try await Self.withHook { place in
            let later = Self.now.advanced(by: .seconds(3_600))
            _ = try await place.stores[0].rotate(
                place.hook.hook, of: place.user, to: Self.secret("two"), overlapEnds: later, until: Self.deadline())
            // The same change again, as after a lost answer.
            _ = try await place.stores[1].rotate(
                place.hook.hook, of: place.user, to: Self.secret("two"), overlapEnds: later, until: Self.deadline())
            for (text, at, isOpen) in [
                ("one", Self.now, true), ("two", Self.now, true), ("one", later.advanced(by: .seconds(1)), false),
                ("two", later.advanced(by: .seconds(1)), true), ("three", Self.now, false),
            ] {
                let opened = try await place.stores[0].opened(by: Self.secret(text), at: at, until: Self.deadline())
                #expect((opened != nil) == isOpen, "\(text)")
            }
        }
    }

    @Test("The last 50 deliveries are kept, and beside them what waits for its account")
    func bounds() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            for number in 0..<60 {
                _ = try await Self.receive(
                    place, #"{"event":"media.rate","number":\#(number),"Metadata":{"type":"movie","ratingKey":"1"}}"#)
                _ = try await Self.receive(
                    place, Self.text("stop", account: "stranger", at: Self.now.advanced(by: .seconds(number))))
            }
            let deliveries = try await Self.deliveries(place)
            #expect(deliveries.filter { $0.state == .ignored }.count == 50)
            #expect(deliveries.filter { $0.state == .quarantined }.count == 60)
        }
    }

    @Test("Watched at nine tenths, then stopped, then marked, then sent again: one play")
    func onePlay() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            func say(_ event: String, _ second: Int, _ position: Int) async throws {
                let at = Self.now.advanced(by: .seconds(second))
                _ = try await Self.receive(place, Self.text(event, at: at, position: position), at: at)
                try await Self.work(place, at: at)
            }
            try await say("play", -200, 0)
            #expect(try await Self.plays(place) == 0)
            let sittings = try await place.playback.now(of: place.user, at: Self.now, limit: 5, until: Self.deadline())
            #expect(sittings.map(\.state) == [.playing])
            try await say("pause", -190, 600)
            try await say("progress", -180, 620)
            try await say("scrobble", -100, 5_400)
            #expect(try await Self.plays(place) == 1, "as soon as the server counts it")
            try await say("pause", -90, 5_450)
            try await say("resume", -80, 5_450)
            try await say("stop", -20, 5_940)
            try await say("mark_played", -10, 5_940)
            try await say("stop", -5, 5_950)
            #expect(try await Self.plays(place) == 1)
            #expect(
                try await place.playback.now(of: place.user, at: Self.now, limit: 5, until: Self.deadline()).isEmpty)
            for delivery in try await Self.deliveries(place) {
                _ = try await place.stores[0].rerun(
                    delivery.id, of: place.hook.hook, place.user, until: Self.deadline())
            }
            try await Self.work(place, at: Self.now.advanced(by: .seconds(40_000)))
            #expect(try await Self.plays(place) == 1, "worked again a day later")
            // A second viewing is a second play.
            try await say("stop", 20_000, 5_950)
            #expect(try await Self.plays(place) == 2)
            try await say("mark_unplayed", 20_010, 0)
            #expect(try await Self.plays(place) == 1, "the hook removes what the server unmarks")
        }
    }

    @Test(
        "What is a play already and begins anew before its stop was heard of is watched twice",
        arguments: [true, false])
    func anew(hasPlay: Bool) async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            func say(_ event: String, _ second: Int, _ position: Int) async throws {
                let at = Self.now.advanced(by: .seconds(second))
                _ = try await Self.receive(place, Self.text(event, at: at, position: position), at: at)
                try await Self.work(place, at: at)
            }
            try await say("play", -20_000, 0)
            try await say("scrobble", -14_600, 5_400)
            // Back to an earlier scene: still the same sitting.
            try await say("progress", -14_500, 4_000)
            #expect(try await Self.plays(place) == 1)
            try await say(hasPlay ? "play" : "progress", -10_000, 5)
            try await say("pause", -9_000, 900)
            let half = PGStatement(
                "tests.going",
                "SELECT count(*) FROM watch_progress WHERE percent BETWEEN 14 AND 16 AND removed_at IS NULL"
            ) { row throws(PGError) in try row.next(Int.self) }
            #expect(try await place.pool.first(half) == 1, "there is something to go on with")
            try await say("resume", -8_900, 900)
            try await say("scrobble", -4_500, 5_400)
            #expect(try await Self.plays(place) == 2)
            try await say("stop", -4_000, 5_900)
            #expect(try await Self.plays(place) == 2)
            let left = PGStatement(
                "tests.left", "SELECT array_agg(state ORDER BY id) FROM playback_sessions"
            ) { row throws(PGError) in try row.next([String].self) }
            #expect(try await place.pool.first(left) == ["stopped", "stopped"])
        }
    }

    @Test("Unmarked in the morning, a play of this day goes and not an older one, wherever the person lives")
    func unmarkedInTheMorning() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            // Early in the morning in Vienna, hours before the noon that stands for the day.
            let morning = Timestamp(Self.now.date).advanced(by: .seconds(4 * 3_600))
            let title = TitleID(UUIDBits(high: 9, low: 4))
            let before = morning.advanced(by: .seconds(-40 * 86_400))
            let moments: [PlayMoment] = [.second(before, day: before.date), .day(morning.date)]
            let plays = moments.enumerated().map { number, moment in
                IncomingPlay(
                    title: title, kind: .movie, moment: moment, percent: nil, runtimeMinutes: 100,
                    source: PlaySource(name: "letterboxd", key: "\(number)"))
            }
            _ = try await place.playback.ledger.add(
                LedgerStore.Arrival(
                    user: place.user, timeZone: "Europe/Vienna", batch: nil, at: morning, isByHand: false, plays: plays,
                    telling: false), until: Self.deadline())
            _ = try await Self.receive(place, Self.text("mark_unplayed", at: morning), at: morning)
            try await Self.work(place, at: morning)
            let left = PGStatement(
                "tests.days", "SELECT array_agg(precision) FROM plays WHERE removed_at IS NULL"
            ) { row throws(PGError) in try row.next([String].self) }
            #expect(try await place.pool.first(left) == ["second"])
        }
    }

    @Test("Of a server that tells of stops alone, what was left half watched can be gone on with until it is watched")
    func stopsAlone() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            let half = PGStatement(
                "tests.half", "SELECT count(*) FROM watch_progress WHERE percent = 50 AND removed_at IS NULL"
            ) { row throws(PGError) in try row.next(Int.self) }
            for (second, position, open) in [(-5_000, 3_000, 1), (-100, 5_900, 0), (-3_000, 3_000, 0)] {
                let at = Self.now.advanced(by: .seconds(second))
                _ = try await Self.receive(place, Self.text("stop", at: at, position: position))
                try await Self.work(place)
                #expect(try await place.pool.first(half) == open, "\(second)")
            }
            #expect(try await Self.plays(place) == 1)
        }
    }

    @Test("A place that arrives after the stop it came before leaves nobody watching; another beginning does")
    func overtaken() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            for (second, event, open) in [(-60, "play", 1), (-40, "stop", 0), (-41, "progress", 0), (-30, "play", 1)] {
                let at = Self.now.advanced(by: .seconds(second))
                _ = try await Self.receive(place, Self.text(event, at: at, position: 3_000))
                try await Self.work(place)
                let sittings = try await place.playback.now(
                    of: place.user, at: Self.now, limit: 5, until: Self.deadline())
                #expect(sittings.count == open, "\(event) \(second)")
            }
        }
    }

    @Test("A device that begins with another title has left the one before")
    func oneTitleOfADevice() async throws {
        try await Self.withHook { place in
            try await Self.assign(place)
            for (second, title, event) in [(-60, "Film", "play"), (-50, "Another", "play")] {
                let at = Self.now.advanced(by: .seconds(second))
                _ = try await Self.receive(place, Self.text(event, at: at, title: title, position: 60))
                try await Self.work(place, at: at)
            }
            let open = try await place.playback.now(of: place.user, at: Self.now, limit: 5, until: Self.deadline())
            #expect(open.map(\.title.uuid.low) == [7])
        }
    }

    @Test("Of twenty who change a hook that they all have seen one does")
    func expectations() async throws {
        try await Self.withHook { place in
            let stores = place.stores
            func get() async throws -> Hook {
                try #require(try await stores[0].get(place.hook.hook, of: place.user, until: Self.deadline()))
            }
            let seen = try await get()
            let outcomes = try await withThrowingTaskGroup(of: HookStore.Updated.self) { group in
                for number in 0..<20 {
                    let params = UpdateHookParams(
                        user: place.user, hook: place.hook.hook, name: "den \(number)", expected: seen)
                    group.addTask { try await stores[number % 2].update(params, until: Self.deadline()) }
                }
                return try await group.reduce(into: [HookStore.Updated]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .unexpected } == 19)
            let named = try await get()
            #expect(outcomes.contains(.updated(named)) && named.name != seen.name)
            // Deliveries since then count too.
            _ = try await Self.receive(place, Self.text("stop"))
            var params = UpdateHookParams(user: place.user, hook: place.hook.hook, name: "attic", expected: named)
            #expect(try await stores[0].update(params, until: Self.deadline()) == .unexpected)
            params.expected = nil
            guard case .updated(let last) = try await stores[0].update(params, until: Self.deadline()) else {
                return #expect(Bool(false), "nobody expects anything")
            }
            #expect(last.name == "attic")
            params.hook = HookID(Self.ids.next())
            params.expected = last
            #expect(try await stores[0].update(params, until: Self.deadline()) == .noSuchHook)
        }
    }
}
