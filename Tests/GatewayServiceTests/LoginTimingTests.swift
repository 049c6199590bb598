import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// How long a refusal takes must not tell who has an account.
@Suite(.serialized) struct LoginTimingTests {
    /// Enough that a difference of a twentieth of the spread would show.
    private static let samples = 2_000
    /// In microseconds: half a hundredth of a password's check at its full cost, whose own spread is more than that. A name
    /// that is known was seen to cost some 120 µs more.
    private static let differenceMax = 500.0
    /// Below this a difference is not told from chance, as on a machine that is busy with something else.
    private static let chanceMax = 4.5

    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static func middle(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private static func welch(_ one: [Double], _ other: [Double]) -> Double {
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        func error(_ values: [Double]) -> Double {
            let middle = mean(values)
            return values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(values.count - 1)
                / Double(values.count)
        }
        return (mean(one) - mean(other)) / (error(one) + error(other)).squareRoot()
    }

    /// Without what the machine did beside: the slowest tenth of each.
    private static func trimmed(_ values: [Double]) -> [Double] { Array(values.sorted().prefix(values.count * 9 / 10)) }

    /// Times refusals of a name that exists and of one that does not, in turns of random order.
    private static func t(samples: Int, forgetsDummy: Bool) async throws -> (t: Double, microseconds: Double) {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            var limits = GatewayLimits()
            limits.accountFailuresMax = 1_000_000
            limits.addressFailuresMax = 1_000_000
            let store = GatewayStore(database: Database(pool: pools[0]))
            let hasher = PasswordHasher(cost: try #require(ScryptCost(logN: 10, blockSize: 8, parallelism: 1)))
            let accounts = Accounts(
                store: store, hasher: hasher, clock: SystemWallClock(), ids: SystemIDSource(), registration: .open,
                limits: limits)
            let context = EdgeContext(
                rpc: RPCContext(deadline: .now.advanced(by: .seconds(1_200)), trace: .root()),
                clientAddress: "192.0.2.1")
            _ = try await Register(accounts: accounts).run(
                RegisterInput(body: Registration(username: "alice", password: "a long and odd phrase")), context)
            var generator = SeededRandom(seed: 2_711)
            var known: [Double] = []
            var unknown: [Double] = []
            while known.count < samples || unknown.count < samples {
                let isKnown = generator.next() & 1 == 0
                if (isKnown ? known : unknown).count == samples { continue }
                let body = LoginRequest(username: isKnown ? "alice" : "nobod", password: "not the phrase")
                let begun = ContinuousClock.now
                if !isKnown, forgetsDummy {
                    _ = try await store.account(of: Username("nobod"), until: deadline())
                } else {
                    do throws(RPCError) {
                        _ = try await Login(accounts: accounts).run(LoginInput(body: body), context)
                        Issue.record("a wrong password was taken")
                    } catch {
                        #expect(error.code == RegistryError.invalidCredentials.code, "\(error)")
                    }
                }
                let took = (ContinuousClock.now - begun) / .microseconds(1)
                if isKnown { known.append(took) } else { unknown.append(took) }
            }
            return (welch(trimmed(known), trimmed(unknown)), middle(trimmed(known)) - middle(trimmed(unknown)))
        }
    }

    /// Whether somebody who measures so long learns who has an account.
    private static func tells(_ difference: (t: Double, microseconds: Double)) -> Bool {
        abs(difference.microseconds) > differenceMax && abs(difference.t) > chanceMax
    }

    @Test("An unknown name and a wrong password take the same time, to within a hash's own spread")
    func same() async throws {
        let difference = try await Self.t(samples: Self.samples, forgetsDummy: false)
        #expect(!Self.tells(difference), "\(difference)")
    }

    @Test("The measure would see an answer that spares the hash")
    func sensitive() async throws {
        let difference = try await Self.t(samples: 600, forgetsDummy: true)
        #expect(Self.tells(difference), "\(difference)")
    }
}
