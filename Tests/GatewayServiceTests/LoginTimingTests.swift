import Contracts
import Cryptography
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// The time that a refusal takes must not reveal who has an account.
@Suite(.serialized) struct LoginTimingTests {
    /// For the rank statistic: chance alone exceeds it once in 150,000 runs.
    private static let bound = 4.5

    /// The Mann-Whitney rank-sum statistic in units of its standard deviation: whether one of the two is slower. Names
    /// are drawn at random, so that other load affects both alike, and it counts by rank, not by duration.
    private static func statistic(_ one: [Double], _ other: [Double]) -> Double {
        let (n, m) = (Double(one.count), Double(other.count))
        let all = (one.map { ($0, true) } + other.map { ($0, false) }).sorted { $0.0 < $1.0 }
        var ranks = 0.0
        var start = 0
        while start < all.count {
            // Equal times share their ranks.
            var end = start
            while end < all.count, all[end].0 == all[start].0 { end += 1 }
            let rank = Double(start + end + 1) / 2
            ranks += rank * Double(all[start..<end].count { $0.1 })
            start = end
        }
        return (ranks - n * (n + m + 1) / 2) / (n * m * (n + m + 1) / 12).squareRoot()
    }

    private static func accounts(_ store: GatewayStore, logN: Int) throws -> Accounts {
        var limits = GatewayLimits()
        limits.accountFailuresMax = 1_000_000
        limits.addressFailuresMax = 1_000_000
        limits.allFailuresMax = 1_000_000
        return Accounts(
            store: store,
            hasher: PasswordHasher(cost: try #require(ScryptCost(logN: logN, blockSize: 8, parallelism: 1))),
            clock: SystemWallClock(), ids: SystemIDSource(), registration: .open, secret: .ofTests, limits: limits)
    }

    private static func context() -> EdgeContext {
        EdgeContext(
            rpc: RPCContext(deadline: .now.advanced(by: .seconds(60)), trace: .root()), clientAddress: "192.0.2.1")
    }

    /// Times `samples` refusals each for an existing and a nonexistent name, in random order, and compares them. A
    /// password check costs 2^10 here, so that everything else weighs thirty times as much as in production.
    private static func compare(
        samples: Int, isNetworkKnown: Bool = false, decoyLogN: Int = 10
    ) async throws -> (z: Double, microseconds: Double) {
        try await TestDatabase.withReplicas(1, migrations: GatewayService.migrations) { pools in
            let store = GatewayStore(database: Database(pool: pools[0]))
            let accounts = try accounts(store, logN: 10)
            let strangers = try Self.accounts(store, logN: decoyLogN)
            let phrase = "a long and odd phrase"
            _ = try await Register(accounts: accounts).run(
                RegisterInput(body: Registration(username: "alice", password: phrase)), context())
            if isNetworkKnown {
                _ = try await Login(accounts: accounts).run(
                    LoginInput(body: LoginRequest(username: "alice", password: phrase)), context())
            }
            var generator = SeededRandom(seed: .random(in: 0 ... .max))
            var times: (known: [Double], unknown: [Double]) = ([], [])
            while times.known.count < samples || times.unknown.count < samples {
                let isKnown = generator.next() & 1 == 0
                if (isKnown ? times.known : times.unknown).count == samples { continue }
                let body = LoginRequest(username: isKnown ? "alice" : "nobod", password: "not the phrase")
                let login = Login(accounts: isKnown ? accounts : strangers)
                let begun = ContinuousClock.now
                do throws(RPCError) {
                    _ = try await login.run(LoginInput(body: body), context())
                    Issue.record("a wrong password was taken")
                } catch {
                    #expect(error.code == RegistryError.invalidCredentials.code, "\(error)")
                }
                let took = (ContinuousClock.now - begun) / .microseconds(1)
                if isKnown { times.known.append(took) } else { times.unknown.append(took) }
            }
            func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
            return (statistic(times.known, times.unknown), middle(times.known) - middle(times.unknown))
        }
    }

    @Test("A wrong password and an unknown name cannot be told apart by their time")
    func same() async throws {
        let (z, microseconds) = try await Self.compare(samples: 2_000)
        #expect(abs(z) < Self.bound, "z = \(z), medians \(microseconds) µs apart")
    }

    @Test("Nor can they where the person has logged in from here")
    func sameFromKnownNetwork() async throws {
        let (z, microseconds) = try await Self.compare(samples: 1_000, isNetworkKnown: true)
        #expect(abs(z) < Self.bound, "z = \(z), medians \(microseconds) µs apart")
    }

    @Test("The measure would see a check that costs half as much")
    func sensitive() async throws {
        let (z, microseconds) = try await Self.compare(samples: 200, decoyLogN: 9)
        #expect(z > Self.bound, "z = \(z), medians \(microseconds) µs apart")
    }
}
