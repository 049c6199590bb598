import Contracts
import Cryptography
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@testable import ScrobbleService

/// Resealing everything with another key while it is in use.
@Suite struct RotationTests {
    private static let (old, new) = (KeyRing.makeLine(id: "old"), KeyRing.makeLine(id: "new"))

    private static func sealer(_ lines: Secret...) throws -> Sealer {
        Sealer(try KeyRing(parsing: Secret(lines.map(\.revealed).joined(separator: "\n"))))
    }

    private static let count = TestForm.choose(1_500, full: 50_000)

    private static func tokens(_ number: Int) -> AccountTokens {
        let now = SystemWallClock().now
        return AccountTokens(
            access: Secret("access \(number)"), refresh: Secret("refresh \(number)"), issuedAt: now,
            expiresAt: now.advanced(by: .seconds(86_400)))
    }

    /// Adds connections whose tokens are sealed with the old key.
    private static func fill(_ store: ConnectionStore, _ pool: PGPool) async throws -> [LaneKey] {
        let lanes = (0..<count).map { _ in QueueTest.lane() }
        let sealer = store.sealer
        for start in stride(from: 0, to: lanes.count, by: 500) {
            let page = Array(lanes[start..<min(start + 500, lanes.count)])
            _ = try await pool.execute(
                PGCommand(
                    "tests.connect",
                    """
                    INSERT INTO scrobble_connections
                        (user_id, provider, access_token_encrypted, refresh_token_encrypted, connected_at, updated_at,
                         token_expires_at)
                    SELECT u, 'trakt', a, r, now(), now(), now() + interval '1 day'
                    FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS i (u, a, r)
                    """),
                [
                    .ids(page.map(\.user)),
                    .byteaArray(
                        try page.enumerated().map { place, lane in
                            try sealer.seal(
                                Secret("access \(start + place)"),
                                in: ConnectionStore.place("access_token_encrypted", lane))
                        }),
                    .byteaArray(
                        try page.enumerated().map { place, lane in
                            try sealer.seal(
                                Secret("refresh \(start + place)"),
                                in: ConnectionStore.place("refresh_token_encrypted", lane))
                        }),
                ])
        }
        return lanes
    }

    /// Stops the readers between two calls: a call that is cut off leaves open what it has done.
    private final class EndFlag: Sendable {
        private let state = Mutex(false)
        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    @Test(
        "Tokens are sealed again while they are read and renewed: no read fails, none gets another's, no renewal is lost"
    )
    func online() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        try await TestDatabase.withReplicas(2, migrations: ScrobbleService.migrations) { pools in
            let before = ConnectionStore(
                database: Database(pool: pools[0]), sealer: try Self.sealer(Self.old, Self.new))
            let after = ConnectionStore(database: Database(pool: pools[1]), sealer: try Self.sealer(Self.new, Self.old))
            let lanes = try await Self.fill(before, pools[0])
            let user = lanes[0]
            let flow = FlowID(QueueTest.ids.next())
            try await before.openDeviceFlow(
                user, id: flow, code: Secret("device code"), interval: .seconds(5), life: .seconds(600),
                until: QueueTest.deadline())

            let isOver = EndFlag()
            let readers = Task { () async throws -> (Int, Set<Int>) in
                var random = SeededRandom(seed: seed)
                var (reads, renewals) = (0, Set<Int>())
                while !isOver.isSet {
                    let number = Int.random(in: 0..<lanes.count, using: &random)
                    // Readers of both versions, as during a rolling restart of the replicas.
                    let store = reads % 2 == 0 ? before : after
                    let found = try await store.tokens(of: lanes[number], until: QueueTest.deadline())
                    let expected = renewals.contains(number) ? number + 1_000_000 : number
                    guard found?.access == Secret("access \(expected)"), found?.refresh == Secret("refresh \(expected)")
                    else {
                        Issue.record("number \(number) reads as \(found == nil ? "nothing" : "another"), seed \(seed)")
                        break
                    }
                    reads += 1
                    if reads % 20 == 0, let found, !renewals.contains(number),
                        let fence = try await store.beginRefresh(lanes[number], of: found, until: QueueTest.deadline()),
                        try await store.endRefresh(
                            lanes[number], fence: fence, with: Self.tokens(number + 1_000_000),
                            until: QueueTest.deadline())
                    {
                        renewals.insert(number)
                    }
                }
                return (reads, renewals)
            }
            try await Task.sleep(for: .milliseconds(50))
            let begun = ContinuousClock.now
            let rotation = try await after.reseal()
            let time = ContinuousClock.now - begun
            try await Task.sleep(for: .milliseconds(50))
            isOver.set()
            let (reads, renewals) = try await readers.value
            print(
                "rotation: \(rotation.resealed) of \(2 * lanes.count + 1) values in \(time), beside \(reads) reads and "
                    + "\(renewals.count) renewals, none failed; seed \(seed)")
            #expect(rotation.unreadable == 0 && reads > 20 && !renewals.isEmpty)
            // A writer that still uses the old key may have written behind the rotation; the next one finds it.
            let second = try await after.reseal()
            #expect(second.left == 0)
            let alone = ConnectionStore(database: Database(pool: pools[1]), sealer: try Self.sealer(Self.new))
            for number in lanes.indices.shuffled().prefix(300) {
                let found = try await alone.tokens(of: lanes[number], until: QueueTest.deadline())
                let expected = renewals.contains(number) ? number + 1_000_000 : number
                #expect(found?.access == Secret("access \(expected)"), "seed \(seed)")
                #expect(found?.refresh == Secret("refresh \(expected)"), "seed \(seed)")
            }
            guard case .wait = try await alone.pollFlow(user, flow, until: QueueTest.deadline()) else {
                Issue.record("the flow cannot be opened with the new key alone")
                return
            }
            #expect(try await alone.reseal() == ConnectionStore.Rotation(key: "new"))
        }
    }

    @Test("What nobody can open stays as it is and is counted; a rotation that was ended goes on where it is needed")
    func unreadable() async throws {
        try await TestDatabase.withReplicas(1, migrations: ScrobbleService.migrations) { pools in
            let database = Database(pool: pools[0])
            let before = ConnectionStore(database: database, sealer: try Self.sealer(Self.old))
            let lanes = try await Self.fill(before, pools[0])
            // One value moved to another person's row, and one flipped bit.
            _ = try await pools[0].execute(
                PGCommand(
                    "tests.swap",
                    """
                    UPDATE scrobble_connections c SET access_token_encrypted = (
                        SELECT access_token_encrypted FROM scrobble_connections WHERE user_id = $2)
                    WHERE user_id = $1
                    """), [.id(lanes[0].user), .id(lanes[1].user)])
            _ = try await pools[0].execute(
                PGCommand(
                    "tests.flip",
                    """
                    UPDATE scrobble_connections SET refresh_token_encrypted = set_bit(
                        refresh_token_encrypted, 8 * (octet_length(refresh_token_encrypted) - 1), 1 - get_bit(
                            refresh_token_encrypted, 8 * (octet_length(refresh_token_encrypted) - 1)))
                    WHERE user_id = $1
                    """), [.id(lanes[2].user)])
            let after = ConnectionStore(database: database, sealer: try Self.sealer(Self.new, Self.old))
            let rotation = try await after.reseal()
            #expect(rotation.resealed == 2 * lanes.count - 2, "\(rotation)")
            #expect(rotation.unreadable == 2 && rotation.left == 2, "\(rotation)")
            let again = try await after.reseal()
            #expect(again.resealed == 0 && again.unreadable == 2 && again.left == 2)
            // Nothing is lost with a key ring that lacks the old key either.
            let stranger = ConnectionStore(database: database, sealer: try Self.sealer(KeyRing.makeLine(id: "third")))
            let nothing = try await stranger.reseal()
            #expect(nothing.resealed == 0 && nothing.left == 2 * lanes.count)
            #expect(
                try await after.tokens(of: lanes[5], until: QueueTest.deadline())?.access == Secret("access 5"))
        }
    }
}
