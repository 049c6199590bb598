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

extension Secret {
    /// The secret that the copies of a gateway share in tests.
    static let ofTests = Secret("a secret of the tests")
}

/// Two copies of a gateway on one database, and people who request sessions from them, on a clock that the tests move.
struct Household {
    static let phrase = "a long and odd phrase"

    final class Wall: WallClock {
        private let moment = Mutex(SystemWallClock().now)
        var now: Timestamp { moment.withLock { $0 } }
        func pass(_ time: Duration) { moment.withLock { $0 = $0.advanced(by: time) } }
    }

    let copies: [Accounts]
    let pool: PGPool
    let wall: Wall

    var accounts: Accounts { copies[0] }
    var store: GatewayStore { copies[0].store }

    static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    static func context(once: EdgeOnce? = nil) -> EdgeContext {
        EdgeContext(rpc: RPCContext(deadline: deadline(), trace: .root()), clientAddress: "192.0.2.1", once: once)
    }

    /// `logN` sets the cost of a password hash, by copy; `breaches` is whom both ask about new passwords.
    static func live(
        _ limits: GatewayLimits = GatewayLimits(), logN: [Int] = [4, 4], secondFactor: SecondFactorPolicy = .optional,
        codeLife: CodeLife = .neighbouringSteps, breaches: BreachedPasswords? = nil,
        _ body: (Household) async throws -> Void
    ) async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            let wall = Wall()
            var copies: [Accounts] = []
            for (pool, logN) in zip(pools, logN) {
                let cost = try #require(ScryptCost(logN: logN, blockSize: 1, parallelism: 1))
                copies.append(
                    Accounts(
                        store: GatewayStore(database: Database(pool: pool)), hasher: PasswordHasher(cost: cost),
                        clock: wall, ids: SystemIDSource(), registration: .open, secret: .ofTests,
                        secondFactor: secondFactor, codeLife: codeLife, breaches: breaches, limits: limits))
            }
            try await body(Household(copies: copies, pool: pools[0], wall: wall))
        }
    }

    func register(_ name: String) async throws -> SessionGrant {
        try await Register(accounts: accounts).run(
            RegisterInput(body: Registration(username: name, password: Self.phrase)), Self.context()
        ).body
    }

    func logIn(
        _ name: String, _ password: String = Household.phrase, replacing refreshToken: String? = nil, at copy: Int = 0,
        code: String? = nil
    ) async throws(RPCError) -> SessionGrant {
        try await Login(accounts: copies[copy]).run(
            LoginInput(body: LoginRequest(username: name, password: password, code: code, refreshToken: refreshToken)),
            Self.context()
        ).body
    }

    func refresh(_ grant: SessionGrant) async throws(RPCError) -> SessionGrant {
        try await Refresh(accounts: accounts).run(
            RefreshInput(body: RefreshRequest(refreshToken: grant.refreshToken)), Self.context()
        ).body
    }

    /// The caller that the bearer token belongs to; nil if there is none.
    func caller(_ grant: SessionGrant, at copy: Int = 0) async throws -> EdgeCaller? {
        switch copies[copy].credentials(grant.token) {
        case .nobody: return nil
        case .caller(let caller): return caller
        case .unread(wasGood: _, let lookUp): return try await lookUp(Self.deadline())
        }
    }

    func changePassword(
        _ caller: EdgeCaller, from current: String, to new: String, key: String? = nil,
        secret: String = "a secret of the tests"
    ) async throws(RPCError) {
        let once = OnceStore(database: store.database, secret: Secret(secret))
        _ = try await ChangePassword(accounts: accounts, once: once).run(
            ChangePasswordInput(body: PasswordChange(currentPassword: current, newPassword: new)), caller,
            Self.context(once: key.map { EdgeOnce(key: $0, fingerprint: Array("\(current)\n\(new)".utf8)) }))
    }

    func end(_ session: UUIDBits, by caller: EdgeCaller) async throws(RPCError) {
        _ = try await EndSession(accounts: accounts).run(
            EndSessionInput(session: SessionID(session)), caller, Self.context())
    }

    func endOthers(by caller: EdgeCaller) async throws(RPCError) {
        _ = try await EndOtherSessions(accounts: accounts).run(EndOtherSessionsInput(), caller, Self.context())
    }

    /// The error with which a call is refused; nil if it succeeds.
    static func refusal(_ call: () async throws(RPCError) -> Void) async -> RegistryError? {
        do throws(RPCError) {
            try await call()
            return nil
        } catch {
            return RegistryError.allCases.first { $0.code == error.code }
        }
    }
}
