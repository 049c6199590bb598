import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// What is counted for password attempts that could not be checked.
@Suite struct LoginAllowanceTests {
    private static let phrase = "a long and odd phrase"
    private static let allowance = 3

    private static let failures = PGStatement(
        "tests.failures", "SELECT coalesce(sum(failures), 0)::bigint FROM login_throttles"
    ) { row throws(PGError) in try row.next(Int.self) }

    private static func deadline() -> ContinuousClock.Instant { .now + .seconds(20) }

    private static func context() -> EdgeContext {
        EdgeContext(rpc: RPCContext(deadline: deadline(), trace: .root()), clientAddress: "192.0.2.1")
    }

    /// `workers` limits how many password checks run at once, and how many may wait.
    private static func accounts(
        _ store: GatewayStore, workers: WorkerThreadsLimits = WorkerThreadsLimits()
    ) throws -> Accounts {
        var limits = GatewayLimits()
        limits.accountFailuresMax = allowance
        limits.addressFailuresMax = allowance
        limits.failureWaitMin = .seconds(60)
        let cost = try #require(ScryptCost(logN: 4, blockSize: 1, parallelism: 1))
        return Accounts(
            store: store, hasher: PasswordHasher(cost: cost, limits: workers), clock: SystemWallClock(),
            ids: SystemIDSource(), registration: .open, secret: .ofTests, limits: limits)
    }

    /// The code with which a login is refused; nil if it succeeds.
    private static func refusal(_ accounts: Accounts, _ password: String) async -> Int? {
        do throws(RPCError) {
            _ = try await Login(accounts: accounts).run(
                LoginInput(body: LoginRequest(username: "alice", password: password)), context())
            return nil
        } catch {
            return error.code
        }
    }

    private static func withAlice(_ body: (GatewayStore, PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            let store = GatewayStore(database: Database(pool: pools[0]))
            _ = try await Register(accounts: accounts(store)).run(
                RegisterInput(body: Registration(username: "alice", password: phrase)), context())
            try await body(store, pools[0])
        }
    }

    /// While a hundred people logged in at once, those who were turned away had to wait as if they had guessed.
    @Test("A login for which there was no room is no failed one", arguments: [false, true])
    func busy(isNetworkKnown: Bool) async throws {
        try await Self.withAlice { store, pool in
            let well = try Self.accounts(store)
            if isNetworkKnown { #expect(await Self.refusal(well, Self.phrase) == nil) }
            let busy = try Self.accounts(store, workers: WorkerThreadsLimits(runningMax: 0, waitingMax: 0))
            for _ in 0..<Self.allowance * 3 {
                #expect(await Self.refusal(busy, Self.phrase) == RegistryError.overloaded.code)
            }
            #expect(try await pool.first(Self.failures) == 0)
            // Actual guesses are counted as always.
            for _ in 0..<Self.allowance {
                #expect(await Self.refusal(well, "not the phrase") == RegistryError.invalidCredentials.code)
            }
            #expect(await Self.refusal(well, Self.phrase) == RegistryError.tooManyAttempts.code)
        }
    }

    @Test("Nor is one against a hash that cannot be read")
    func unreadable() async throws {
        try await Self.withAlice { store, pool in
            let accounts = try Self.accounts(store)
            try await pool.execute(PGCommand("tests.spoil", "UPDATE users SET password_hash = 'spoilt'"))
            for _ in 0..<Self.allowance * 3 {
                let code = await Self.refusal(accounts, Self.phrase)
                #expect(code != nil && code != RegistryError.tooManyAttempts.code)
                #expect(code != RegistryError.invalidCredentials.code)
            }
            #expect(try await pool.first(Self.failures) == 0)
        }
    }

    /// People with the right password had to wait after a few attempts, because no session could be written.
    @Test("Nor is one with the right password that came to nothing afterwards", arguments: [false, true])
    func lostAfterwards(isNetworkKnown: Bool) async throws {
        try await Self.withAlice { store, pool in
            let accounts = try Self.accounts(store)
            if isNetworkKnown { #expect(await Self.refusal(accounts, Self.phrase) == nil) }
            try await pool.execute(PGCommand("tests.spoil", "ALTER TABLE sessions RENAME TO sessions_away"))
            for _ in 0..<Self.allowance * 3 {
                let code = await Self.refusal(accounts, Self.phrase)
                #expect(code != nil && code != RegistryError.tooManyAttempts.code)
                #expect(code != RegistryError.invalidCredentials.code)
            }
            #expect(try await pool.first(Self.failures) == 0)
            // A wrong password counts, whatever else is broken.
            #expect(await Self.refusal(accounts, "not the phrase") == RegistryError.invalidCredentials.code)
            #expect(try await pool.first(Self.failures) != 0)
            try await pool.execute(PGCommand("tests.mend", "ALTER TABLE sessions_away RENAME TO sessions"))
            #expect(await Self.refusal(accounts, Self.phrase) == nil)
        }
    }

    @Test("A password of ten years ago opens its account as one of today does")
    func noEnd() async throws {
        try await Self.withAlice { store, pool in
            let accounts = try Self.accounts(store)
            try await pool.execute(
                PGCommand("tests.age", "UPDATE users SET created_at = created_at - interval '10 years'"))
            #expect(await Self.refusal(accounts, Self.phrase) == nil)
        }
    }

    @Test("A new hash that cannot be made now keeps nobody out")
    func noRehash() async throws {
        try await Self.withAlice { store, pool in
            // scrypt itself rejects such a high N for such a small block.
            let cost = try #require(ScryptCost(logN: 16, blockSize: 1, parallelism: 1))
            let accounts = Accounts(
                store: store, hasher: PasswordHasher(cost: cost), clock: SystemWallClock(), ids: SystemIDSource(),
                registration: .open, secret: .ofTests)
            await #expect(throws: RPCError.self) { try await accounts.hash(Self.phrase) }
            #expect(await Self.refusal(accounts, Self.phrase) == nil)
            #expect(try await pool.first(Self.failures) == 0)
        }
    }

    /// The call that refunds the attempt used to be cancelled with the task that makes it.
    @Test("Nor is one whose client left before its turn")
    func cancelled() async throws {
        try await Self.withAlice { store, pool in
            let accounts = try Self.accounts(store)
            let attempt = LoginAttempt.login(
                Username("alice"), from: "192.0.2.1", isKnown: false, limits: accounts.limits)
            try await accounts.admit(attempt, until: Self.deadline())
            #expect(try await pool.first(Self.failures) == attempt.subjects.count)
            let task = Task { () async -> Int? in
                while !Task.isCancelled { await Task.yield() }
                do throws(RPCError) {
                    _ = try await accounts.verify(Self.phrase, against: accounts.hasher.decoy, attempt)
                    return nil
                } catch {
                    return error.code
                }
            }
            task.cancel()
            #expect(await task.value == RegistryError.cancelled.code)
            #expect(try await pool.first(Self.failures) == 0)
        }
    }
}
