import Contracts
import Cryptography
import JSON
import Logging
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// A hook's deliveries keep their order while titles cannot be looked up, and none of them blocks the others forever.
@Suite struct HookOrderTests {
    private static let ids = SystemIDSource()
    private static let now = SystemWallClock().now

    /// Metadata as hooks see it: unavailable, or failing for some titles.
    private final class Metadata: RPCCaller {
        private let state = Mutex((isAway: false, faulty: Set<String>()))

        func be(away: Bool) { state.withLock { $0.isAway = away } }
        func fail(for names: Set<String>) { state.withLock { $0.faulty = names } }

        static func title(_ name: String) -> TitleID { TitleID(UUIDBits(high: 9, low: UInt64(name.count))) }

        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            guard let question = params as? ResolveTitleParams, let name = question.name else {
                throw .internal("nobody expects \(method.name)")
            }
            guard state.withLock({ !$0.isAway && !$0.faulty.contains(name) }) else { throw .unavailable("away") }
            let title = Title(
                id: Self.title(name), kind: .movie, name: name, genres: [], externalIds: ExternalIds(),
                externalRatings: [], isLocal: false)
            guard let answer = title as? Result else { throw .internal("another answer was wanted") }
            return answer
        }
    }

    private struct Setting {
        let pool: PGPool
        let store: HookStore
        let playback: PlaybackStore
        let metadata = Metadata()
        let user: UserID
        let hook: HookPlace

        func receive(_ event: String, _ title: String, at second: Int, position: Int) async throws {
            let at = HookOrderTests.now.advanced(by: .seconds(second))
            let text =
                #"{"event":"\#(event)","player":"tv","occurred_at":"\#(at)","kind":"movie","title":"\#(title)","position_seconds":\#(position),"duration_seconds":6000}"#
            _ = try await store.receive(
                text, try #require(HookReading(Array(text.utf8))), at: hook, fingerprints: [SHA256.hash(text)],
                now: at, until: QueueTest.deadline())
        }

        /// Works all hooks that are due; returns how many there were.
        @discardableResult
        func turn(at now: Timestamp = HookOrderTests.now) async throws -> Int {
            let worker = HookWorker(
                store: store, playback: playback, metadata: MetadataClient(metadata),
                queue: QueueWorker(
                    id: HookOrderTests.ids.next(), store: QueueStore(database: Database(pool: pool)), writers: [:]),
                clock: FixedClock(now: now), logger: Logger(label: "tests"))
            let places = try await store.claim(8, until: QueueTest.deadline())
            for place in places { await worker.work(place) }
            return places.count
        }

        func letTimePass() async throws {
            for sql in [
                "UPDATE hook_deliveries SET due_at = due_at - interval '2 hours' WHERE state = 'pending'",
                "UPDATE hooks SET held_until = held_until - interval '2 hours' WHERE held_until > now()",
            ] {
                _ = try await pool.execute(PGCommand("tests.pass \(sql.prefix(20))", sql), [])
            }
        }

        /// Returns the states of the deliveries, oldest first.
        func states() async throws -> [HookDeliveryState] {
            try await store.deliveries(
                of: hook.hook, user, before: HookDeliveryID(UUIDBits(high: .max, low: .max)), limit: 100,
                until: QueueTest.deadline()
            ).map(\.state).reversed()
        }

        func playing() async throws -> Int {
            try await playback.now(of: user, at: HookOrderTests.now, limit: 5, until: QueueTest.deadline()).count
        }
    }

    private struct FixedClock: WallClock { let now: Timestamp }

    private static func run(_ body: @escaping (Setting) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let database = Database(pool: pools[0])
            let store = HookStore(database: database, ids: ids)
            let user = UserID(ids.next())
            let secret = SHA256.hash("one")
            _ = try await store.create(
                "den", of: user, secret: secret, timeZone: "UTC", removesPlays: false, at: now,
                until: QueueTest.deadline())
            let hook = try #require(try await store.opened(by: secret, at: now, until: QueueTest.deadline()))
            try await body(
                Setting(
                    pool: pools[0], store: store, playback: PlaybackStore(database: database, ids: ids), user: user,
                    hook: hook))
        }
    }

    @Test("A stop does not come before its play, however long metadata was away", arguments: [1, 3, 12])
    func outage(rounds: Int) async throws {
        try await Self.run { test in
            test.metadata.be(away: true)
            try await test.receive("play", "Film", at: -120, position: 0)
            for _ in 0..<rounds {
                try await test.turn()
                try await test.letTimePass()
            }
            try await test.turn()
            try await test.receive("stop", "Film", at: -10, position: 5_900)
            test.metadata.be(away: false)
            // The stop is due, but the play is not yet.
            for _ in 0..<3 { try await test.turn() }
            let early = try await test.states()
            #expect(early == [.pending, .pending] || early == [.done, .done], "\(early)")
            try await test.letTimePass()
            for _ in 0..<3 { try await test.turn() }
            #expect(try await test.states() == [.done, .done])
            #expect(try await test.playing() == 0, "the sitting has ended")
        }
    }

    @Test(
        "A delivery that cannot be worked holds the others up for some tries only, and is worked before them once it can be"
    )
    func faulty() async throws {
        try await Self.run { test in
            test.metadata.fail(for: ["Broken"])
            try await test.receive("stop", "Broken", at: -300, position: 5_900)
            try await test.receive("stop", "Film", at: -200, position: 5_900)
            for _ in 0..<HookLimits.passedOverFrom {
                try await test.turn()
                #expect(try await test.turn() == 0, "nobody asks again and again")
                #expect(try await test.states() == [.pending, .pending])
                try await test.letTimePass()
            }
            try await test.turn()
            #expect(try await test.states() == [.pending, .done])
            #expect(try await test.turn() == 0)
            // A delivery that arrives then is worked at once.
            try await test.receive("stop", "Other", at: -100, position: 5_900)
            try await test.turn()
            #expect(try await test.states() == [.pending, .done, .done])
            test.metadata.fail(for: [])
            try await test.receive("stop", "Another", at: -50, position: 5_900)
            try await test.turn()
            #expect(try await test.states() == [.done, .done, .done, .done])
        }
    }

    @Test("After a day, and many tries, it is given up")
    func givenUp() async throws {
        try await Self.run { test in
            test.metadata.be(away: true)
            try await test.receive("stop", "Film", at: 0, position: 5_900)
            for tries in [HookLimits.triesMax - 1, HookLimits.triesMax] {
                _ = try await test.pool.execute(
                    PGCommand("tests.tries \(tries)", "UPDATE hook_deliveries SET tries = \(tries)"), [])
                try await test.letTimePass()
                try await test.turn(at: Self.now)
                #expect(try await test.states() == [.pending])
            }
            _ = try await test.pool.execute(
                PGCommand("tests.many", "UPDATE hook_deliveries SET tries = \(HookLimits.triesMax)"), [])
            try await test.letTimePass()
            try await test.turn(at: Self.now.advanced(by: HookLimits.retryFor + .seconds(60)))
            #expect(try await test.states() == [.failed])
        }
    }
}
