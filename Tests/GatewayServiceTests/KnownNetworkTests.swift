import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// Where a person is known: guessers have an unlimited supply of addresses, but the number kept is limited.
@Suite struct KnownNetworkTests {
    private static let phrase = "a long and odd phrase"

    private static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    private static func context(_ address: String) -> EdgeContext {
        EdgeContext(rpc: RPCContext(deadline: deadline(), trace: .root()), clientAddress: address)
    }

    private static func login(_ name: String, from address: String, _ accounts: Accounts) async throws {
        _ = try await Login(accounts: accounts).run(
            LoginInput(body: LoginRequest(username: name, password: phrase)), context(address))
    }

    private static func isKnown(_ name: String, at address: String, _ accounts: Accounts) async throws -> Bool {
        let username = Username(name)
        return try await accounts.store.credentials(
            of: username, from: LoginAttempt.network(of: username, from: address), decoy: "$scrypt$",
            until: deadline()
        ).areFromKnownNetwork
    }

    private static func withPeople(_ body: (Accounts, PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            let cost = try #require(ScryptCost(logN: 4, blockSize: 1, parallelism: 1))
            var limits = GatewayLimits()
            limits.knownNetworksMax = 3
            let accounts = Accounts(
                store: GatewayStore(database: Database(pool: pools[0])), hasher: PasswordHasher(cost: cost),
                clock: SystemWallClock(), ids: SystemIDSource(), registration: .open, secret: .ofTests, limits: limits)
            for name in ["alice", "bob"] {
                _ = try await Register(accounts: accounts).run(
                    RegisterInput(body: Registration(username: name, password: phrase)), context("192.0.2.1"))
            }
            try await body(accounts, pools[0])
        }
    }

    @Test("A person is known where they have logged in last, at so many places as may be, and others are not touched")
    func bound() async throws {
        try await Self.withPeople { accounts, _ in
            try await Self.login("bob", from: "198.51.100.1", accounts)
            for number in 1...5 {
                try await Self.login("alice", from: "198.51.100.\(number)", accounts)
                // The network that they always use is among the latest.
                try await Self.login("alice", from: "192.0.2.7", accounts)
            }
            var known: [Int] = []
            for number in 1...5 where try await Self.isKnown("alice", at: "198.51.100.\(number)", accounts) {
                known.append(number)
            }
            #expect(known == [4, 5])
            #expect(try await Self.isKnown("alice", at: "192.0.2.7", accounts))
            #expect(try await Self.isKnown("bob", at: "198.51.100.1", accounts))
        }
    }

    private static let age = PGCommand(
        "tests.age",
        """
        UPDATE known_networks n
        SET seen_at = now() - CASE u.username WHEN 'alice' THEN interval '91 days' ELSE interval '89 days' END
        FROM users u WHERE u.id = n.user_id
        """)

    @Test("Where nobody has logged in for 90 days is forgotten")
    func end() async throws {
        try await Self.withPeople { accounts, pool in
            for name in ["alice", "bob"] { try await Self.login(name, from: "192.0.2.7", accounts) }
            try await pool.execute(Self.age, deadline: Self.deadline())
            #expect(try await Self.isKnown("alice", at: "192.0.2.7", accounts))
            try await accounts.store.sweep(limits: accounts.limits, until: Self.deadline())
            #expect(try await !Self.isKnown("alice", at: "192.0.2.7", accounts))
            #expect(try await Self.isKnown("bob", at: "192.0.2.7", accounts))
        }
    }
}
