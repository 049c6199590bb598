import Contracts
import Cryptography
import Edge
import Postgres
import RPC
import Store
import Synchronization
import TestSupport
import Testing

@testable import GatewayService

/// When sessions end by themselves, on a clock that the tests move.
@Suite struct SessionLifeTests {
    private static let phrase = "a long and odd phrase"

    private static func days(_ count: Int) -> Duration { .seconds(count * 86_400) }

    private final class Wall: WallClock {
        private let moment = Mutex(SystemWallClock().now)
        var now: Timestamp { moment.withLock { $0 } }
        func pass(_ time: Duration) { moment.withLock { $0 = $0.advanced(by: time) } }
    }

    /// A gateway with alice's account, as her client sees it.
    private struct Door {
        let wall: Wall
        private let accounts: Accounts

        init(_ store: GatewayStore, _ limits: GatewayLimits) throws {
            let wall = Wall()
            var limits = limits
            // Nothing is trusted without a look-up.
            limits.callerTrustTime = .zero
            let cost = try #require(ScryptCost(logN: 4, blockSize: 1, parallelism: 1))
            self.wall = wall
            accounts = Accounts(
                store: store, hasher: PasswordHasher(cost: cost), clock: wall, ids: SystemIDSource(),
                registration: .open, secret: .ofTests, limits: limits)
        }

        private static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

        private static func context() -> EdgeContext {
            EdgeContext(rpc: RPCContext(deadline: deadline(), trace: .root()), clientAddress: "192.0.2.1")
        }

        func register() async throws -> SessionGrant {
            try await Register(accounts: accounts).run(
                RegisterInput(body: Registration(username: "alice", password: SessionLifeTests.phrase)), Self.context()
            ).body
        }

        func logIn() async throws -> SessionGrant {
            try await Login(accounts: accounts).run(
                LoginInput(body: LoginRequest(username: "alice", password: SessionLifeTests.phrase)), Self.context()
            ).body
        }

        /// The next pair of tokens; nil if the refresh token is not valid.
        func refresh(_ grant: SessionGrant) async throws -> SessionGrant? {
            do throws(RPCError) {
                return try await Refresh(accounts: accounts).run(
                    RefreshInput(body: RefreshRequest(refreshToken: grant.refreshToken)), Self.context()
                ).body
            } catch {
                guard error.code == RegistryError.invalidRefreshToken.code else { throw error }
                return nil
            }
        }

        /// Whether the bearer token is valid.
        func isOpen(_ grant: SessionGrant) async throws -> Bool {
            guard case .unread(wasGood: _, let lookUp) = accounts.credentials(grant.token) else {
                Issue.record("the token is believed without asking")
                return false
            }
            return try await lookUp(Self.deadline()) != nil
        }

        /// The number of sessions that the person is shown.
        func sessions(_ grant: SessionGrant) async throws -> Int {
            try await accounts.store.sessions(
                of: grant.user.id, at: wall.now, limits: accounts.limits, until: Self.deadline()
            ).count
        }
    }

    private static func withDoor(
        _ limits: GatewayLimits = GatewayLimits(), _ body: (Door) async throws -> Void
    ) async throws {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            try await body(try Door(GatewayStore(database: Database(pool: pools[0])), limits))
        }
    }

    @Test("A token ends after twelve hours, a session when nobody has refreshed it for thirty days")
    func idle() async throws {
        try await Self.withDoor { door in
            let first = try await door.register()
            door.wall.pass(.seconds(12 * 3_600 - 1))
            #expect(try await door.isOpen(first))
            door.wall.pass(.seconds(1))
            #expect(try await !door.isOpen(first))
            #expect(try await door.sessions(first) == 1)
            door.wall.pass(Self.days(29))
            let second = try #require(try await door.refresh(first))
            // Counted from the refresh, not from the login.
            #expect(second.refreshExpiresAt == door.wall.now.advanced(by: Self.days(30)))
            door.wall.pass(Self.days(30) - .seconds(1))
            let third = try #require(try await door.refresh(second))
            door.wall.pass(Self.days(30))
            #expect(try await door.sessions(third) == 0)
            #expect(try await !door.isOpen(third))
            #expect(try await door.refresh(third) == nil)
        }
    }

    @Test("However often it is refreshed, a session ends a hundred and eighty days after its login")
    func life() async throws {
        try await Self.withDoor { door in
            var grant = try await door.register()
            let end = door.wall.now.advanced(by: Self.days(180))
            for _ in 0..<6 {
                door.wall.pass(Self.days(29))
                let next = try await door.refresh(grant)
                grant = try #require(next)
            }
            #expect(grant.refreshExpiresAt == end, "174 days have passed, and 30 more would be too many")
            door.wall.pass(Self.days(6) - .seconds(3_600))
            let next = try await door.refresh(grant)
            let last = try #require(next)
            #expect(last.expiresAt == end && last.refreshExpiresAt == end)
            door.wall.pass(.seconds(3_599))
            #expect(try await door.isOpen(last))
            door.wall.pass(.seconds(1))
            #expect(try await !door.isOpen(last))
            #expect(try await door.refresh(last) == nil)
            let anew = try await door.logIn()
            #expect(anew.refreshExpiresAt == door.wall.now.advanced(by: Self.days(30)))
        }
    }

    @Test("A login beyond the number of sessions ends the one that was unused the longest")
    func surplus() async throws {
        var limits = GatewayLimits()
        limits.sessionsMax = 2
        try await Self.withDoor(limits) { door in
            let first = try await door.register()
            door.wall.pass(.seconds(60))
            let second = try await door.logIn()
            #expect(try await door.isOpen(first))
            door.wall.pass(.seconds(60))
            let third = try await door.logIn()
            #expect(try await !door.isOpen(first))
            #expect(try await door.isOpen(second))
            #expect(try await door.isOpen(third))
            #expect(try await door.refresh(first) == nil)
        }
    }
}
