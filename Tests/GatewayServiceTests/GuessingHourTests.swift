import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// An hour of guessing at one account, as two copies of the gateway on a real Postgres handle it.
@Suite struct GuessingHourTests {
    private static let phrase = "a long and odd phrase"
    /// An address from which the person has logged in before.
    private static let home = "198.51.100.7"
    private static let stepSeconds = 4
    private static let steps = 3_600 / stepSeconds
    private static let guessesAtOnce = 12

    /// Moves the clock of the throttles ahead by a number of seconds.
    private static let age = PGCommand(
        "tests.age",
        """
        UPDATE login_throttles SET last_at = last_at - $1 * interval '1 second', free_at = free_at - $1 * interval '1 second'
        """)

    private static func deadline() -> ContinuousClock.Instant { .now + .seconds(30) }

    /// The code with which a login is refused; nil if it succeeds.
    private static func refusal(_ password: String, from address: String, _ accounts: Accounts) async -> Int? {
        let context = EdgeContext(rpc: RPCContext(deadline: deadline(), trace: .root()), clientAddress: address)
        do throws(RPCError) {
            _ = try await Login(accounts: accounts).run(
                LoginInput(body: LoginRequest(username: "alice", password: password)), context)
            return nil
        } catch {
            return error.code
        }
    }

    /// Makes guesses concurrently, at both copies in turn, from a hundred addresses, and returns their outcomes.
    private static func guess(_ numbers: Range<Int>, _ copies: [Accounts]) async -> [Int?] {
        await withTaskGroup(of: Int?.self) { group in
            for number in numbers {
                group.addTask {
                    await refusal(
                        "guess \(number)", from: "203.0.113.\(number % 100 + 1)", copies[number % copies.count])
                }
            }
            return await group.reduce(into: [Int?]()) { $0.append($1) }
        }
    }

    @Test("Of 10,000 guesses in an hour from 100 addresses at most 100 are looked at, and the victim logs in")
    func hour() async throws {
        try await TestDatabase.withReplicas(2, migrations: GatewayService.migrations) { pools in
            let cost = try #require(ScryptCost(logN: 4, blockSize: 1, parallelism: 1))
            let copies = pools.map { pool in
                Accounts(
                    store: GatewayStore(database: Database(pool: pool)), hasher: PasswordHasher(cost: cost),
                    clock: SystemWallClock(), ids: SystemIDSource(), registration: .open, secret: .ofTests)
            }
            _ = try await Register(accounts: copies[0]).run(
                RegisterInput(body: Registration(username: "alice", password: Self.phrase)),
                EdgeContext(rpc: RPCContext(deadline: Self.deadline(), trace: .root()), clientAddress: Self.home))
            #expect(await Self.refusal(Self.phrase, from: Self.home, copies[0]) == nil)

            var (guesses, logins, codes) = (0, 0, [Int?]())
            for step in 1...Self.steps {
                try await pools[0].execute(Self.age, [.int(Self.stepSeconds)], deadline: Self.deadline())
                codes += await Self.guess(guesses..<guesses + Self.guessesAtOnce, copies)
                guesses += Self.guessesAtOnce
                if step.isMultiple(of: 100) {
                    let code = await Self.refusal(Self.phrase, from: Self.home, copies[step / 100 % 2])
                    #expect(code == nil, "after \(step * Self.stepSeconds) s the victim is refused with \(code ?? 0)")
                    if code == nil { logins += 1 }
                }
            }
            let evaluated = codes.count { $0 == RegistryError.invalidCredentials.code }
            let turnedAway = codes.count { $0 == RegistryError.tooManyAttempts.code }
            #expect(guesses >= 10_000 && evaluated + turnedAway == guesses)
            // The free attempts, and one after each wait at the least: otherwise nothing was counted here.
            #expect((15...100).contains(evaluated), "\(evaluated)")
            // From elsewhere, the right password has to wait as the guesser does: guessing right helps nobody.
            #expect(
                await Self.refusal(Self.phrase, from: "203.0.113.7", copies[1]) == RegistryError.tooManyAttempts.code)
            print(
                "bar Login: \(guesses) guesses in an hour from 100 addresses, \(evaluated) looked at; "
                    + "the victim logged in \(logins) times of \(Self.steps / 100)")
        }
    }
}
