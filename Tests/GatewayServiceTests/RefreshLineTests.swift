import Contracts
import Cryptography
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// What a refresh token is worth that was once valid, at two copies of the gateway.
@Suite struct RefreshLineTests {
    private struct Tokens: Sendable, Equatable {
        let token: OpaqueToken
        let refresh: OpaqueToken
    }

    private final class Wall: WallClock {
        private let moment = Mutex(SystemWallClock().now)

        var now: Timestamp { moment.withLock { $0 } }

        func advance(_ duration: Duration) { moment.withLock { $0 = $0.advanced(by: duration) } }
    }

    /// Two copies that share a clock, and the first tokens of one of alice's sessions.
    private struct Fixture {
        let copies: [Accounts]
        let wall: Wall
        let pool: PGPool
        let first: Tokens

        /// The next tokens, from one copy; nil if the refresh token is not valid.
        func renew(_ refresh: OpaqueToken, at copy: Int = 0) async throws -> Tokens? {
            let renewed = try await copies[copy].renew(
                refresh, for: EdgeSubject(), until: RefreshLineTests.deadline())
            guard let renewed else { return nil }
            return Tokens(token: renewed.token, refresh: renewed.refresh)
        }

        func sessionCount() async throws -> Int? { try await pool.first(RefreshLineTests.sessions) }
    }

    private static let sessions = PGStatement(
        "tests.sessions", "SELECT count(*) FROM sessions"
    ) { row throws(PGError) in try row.next(Int.self) }

    private static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    private static func withSession(_ body: (Fixture) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            let wall = Wall()
            let copies = pools.map { pool in
                Accounts(
                    store: GatewayStore(database: Database(pool: pool)), hasher: PasswordHasher(), clock: wall,
                    ids: SystemIDSource(), registration: .open, secret: .ofTests)
            }
            let (session, token, refresh) = copies[0].newSession(at: wall.now)
            let user = try await copies[0].store.register(
                GatewayStore.NewAccount(
                    id: UserID(SystemIDSource().next()), username: Username("alice"), passwordHash: "$scrypt$",
                    at: wall.now, session: session), isOpen: true, until: deadline())
            _ = try #require(user)
            let first = Tokens(token: token, refresh: refresh)
            try await body(Fixture(copies: copies, wall: wall, pool: pools[0], first: first))
        }
    }

    /// A thief who refreshed twice used to go undetected: the victim's token was refused, and the thief's session lived
    /// on.
    @Test("A refresh token of long ago ends the session, however many came after it", arguments: [2, 5, 100])
    func longAgo(generations: Int) async throws {
        try await Self.withSession { fixture in
            var latest = fixture.first
            for number in 0..<generations {
                fixture.wall.advance(.seconds(1))
                latest = try #require(try await fixture.renew(latest.refresh, at: number % 2))
            }
            // An unknown token ends nothing.
            #expect(try await fixture.renew(OpaqueToken(prefix: Accounts.refreshPrefix)) == nil)
            #expect(try await fixture.sessionCount() == 1)
            #expect(try await fixture.renew(fixture.first.refresh) == nil)
            #expect(try await fixture.sessionCount() == 0)
            for copy in 0..<2 { #expect(try await fixture.renew(latest.refresh, at: copy) == nil) }
        }
    }

    /// The line used to say that a token was refused, but neither whose it was nor that a session had ended.
    @Test("Who was robbed, and of which session, is told to the audit, and of a token of nobody nothing")
    func told() async throws {
        try await Self.withSession { fixture async throws in
            var latest = fixture.first
            for _ in 0..<2 { latest = try #require(try await fixture.renew(latest.refresh)) }
            let stored = try await fixture.copies[0].store.user(named: Username("alice"), until: Self.deadline())
            let alice = try #require(stored).user.id
            let session = try await fixture.copies[0].store.sessions(
                of: alice, at: fixture.wall.now, limits: GatewayLimits(), until: Self.deadline()
            ).first
            let context = EdgeContext(
                rpc: RPCContext(deadline: Self.deadline(), trace: .root()), clientAddress: "192.0.2.1")
            func refusal(_ token: OpaqueToken) async -> Int? {
                do throws(RPCError) {
                    _ = try await Refresh(accounts: fixture.copies[1]).run(
                        RefreshInput(body: RefreshRequest(refreshToken: token.text.revealed)), context)
                    return nil
                } catch {
                    return error.code
                }
            }
            let refused = RegistryError.invalidRefreshToken.code
            #expect(await refusal(OpaqueToken(prefix: Accounts.refreshPrefix)) == refused)
            #expect(context.subject.facts.person == nil && context.subject.facts.objects.isEmpty)
            #expect(await refusal(fixture.first.refresh) == refused)
            #expect(context.subject.facts.person == alice)
            let ended = try #require(session).id.uuid
            #expect(context.subject.facts.objects == [ended])
        }
    }

    @Test("So does any that lies between")
    func between() async throws {
        try await Self.withSession { fixture in
            let second = try #require(try await fixture.renew(fixture.first.refresh))
            var latest = second
            for _ in 0..<3 { latest = try #require(try await fixture.renew(latest.refresh, at: 1)) }
            #expect(try await fixture.renew(second.refresh) == nil)
            #expect(try await fixture.sessionCount() == 0)
        }
    }

    @Test("The last one but one is told the same again within its grace, and ends the session after it")
    func grace() async throws {
        try await Self.withSession { fixture in
            var shown = fixture.first.refresh
            for _ in 0..<3 {
                let next = try #require(try await fixture.renew(shown))
                for (copy, seconds) in [(0, 0), (1, 30), (0, 29)] {
                    fixture.wall.advance(.seconds(seconds))
                    let again = try #require(try await fixture.renew(shown, at: copy))
                    #expect(again == next)
                }
                shown = next.refresh
            }
            let next = try #require(try await fixture.renew(shown))
            fixture.wall.advance(GatewayLimits().refreshGrace)
            #expect(try await fixture.renew(shown) == nil)
            #expect(try await fixture.sessionCount() == 0)
            #expect(try await fixture.renew(next.refresh) == nil)
        }
    }

    /// Refreshes as the previous version does: the tokens belong to no line.
    private static let renewAsBefore = PGCommand(
        "tests.renewAsBefore",
        """
        UPDATE sessions SET token_hash = $2, refresh_hash = $3, previous_refresh_hash = refresh_hash, refreshed_at = $4,
            renewed_from = $1, renewal_salt = $5
        WHERE refresh_hash = $1
        """)

    private static func renewAsBefore(_ refresh: OpaqueToken, _ fixture: Fixture) async throws -> Tokens {
        let salt = RandomBytes.make(32)
        let next = Tokens(
            token: OpaqueToken(prefix: Accounts.sessionPrefix, after: refresh, salt: salt),
            refresh: OpaqueToken(prefix: Accounts.refreshPrefix, after: refresh, salt: salt))
        let count = try await fixture.pool.execute(
            renewAsBefore,
            [
                .bytea(refresh.digest.bytes), .bytea(next.token.digest.bytes), .bytea(next.refresh.digest.bytes),
                .moment(fixture.wall.now), .bytea(salt),
            ], deadline: deadline())
        #expect(count == 1)
        return next
    }

    @Test("Beside a copy of the version before, its tokens go on, are told again as it told them, and are found out")
    func besideVersionBefore() async throws {
        try await Self.withSession { fixture in
            let second = try await Self.renewAsBefore(fixture.first.refresh, fixture)
            let again = try #require(try await fixture.renew(fixture.first.refresh))
            #expect(again == second)
            let third = try #require(try await fixture.renew(second.refresh))
            let fourth = try await Self.renewAsBefore(third.refresh, fixture)
            #expect(try await fixture.sessionCount() == 1)
            // Two were issued after it, one by each version.
            #expect(try await fixture.renew(second.refresh) == nil)
            #expect(try await fixture.sessionCount() == 0)
            #expect(try await fixture.renew(fourth.refresh) == nil)
        }
    }
}
