import Contracts
import Edge
import Postgres
import RPC
import Store
import TestSupport
import Testing

@testable import GatewayService

/// Rate limits that the copies of the gateway share, in a real Postgres.
@Suite struct RateStoreTests {
    private static func deadline() -> ContinuousClock.Instant { .now.advanced(by: .seconds(20)) }

    private static let address = RateSubject.address([203, 0, 113, 9])

    private static func ask(_ wanted: Int, of allowed: Int, unused: Int = 0, slot: Int64 = 0) -> RateAsk {
        RateAsk(wanted: wanted, allowed: allowed, unused: unused, unusedSlot: slot)
    }

    private static func withStores(_ count: Int, _ body: ([GatewayStore], PGPool) async throws -> Void) async throws {
        try await TestDatabase.withReplicas(count, migrations: GatewayService.migrations) { pools in
            try await body(pools.map { GatewayStore(database: Database(pool: $0)) }, pools[0])
        }
    }

    @Test("Shares add up to what is allowed, whoever takes them and however many at once")
    func sum() async throws {
        try await Self.withStores(2) { stores, _ in
            let granted = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        try await stores[number % 2].lease(
                            Self.ask(7, of: 100), for: Self.address, until: Self.deadline()
                        ).granted
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(granted == 100)
            let refused = try await stores[0].lease(Self.ask(1, of: 100), for: Self.address, until: Self.deadline())
            #expect(refused.granted == 0 && refused.remaining == 0)
            #expect((1...RatePolicy.windowSeconds).contains(refused.waitSeconds), "\(refused)")
            let other = try await stores[0].lease(
                Self.ask(5, of: 100), for: .address([203, 0, 113, 10]), until: Self.deadline())
            #expect(other.granted == 5 && other.remaining == 95)
            let returned = try await stores[1].lease(
                Self.ask(10, of: 100, unused: 4, slot: refused.slot), for: Self.address, until: Self.deadline())
            // If the slot has ended meanwhile, it is found in the previous one, which counts less from moment to
            // moment.
            if returned.slot == refused.slot {
                #expect(returned.granted == 4 && returned.remaining == 0)
            } else {
                #expect(returned.granted >= 4, "\(returned)")
            }
        }
    }

    private static let age = PGCommand(
        "tests.age", "UPDATE rate_counts SET slot = slot - $1")

    @Test("What was given a window ago counts no more, and what was given within it does")
    func window() async throws {
        try await Self.withStores(1) { stores, pool in
            let store = stores[0]
            _ = try await store.lease(Self.ask(100, of: 100), for: Self.address, until: Self.deadline())
            try await pool.execute(Self.age, [.int8(Int64(RatePolicy.slots) - 2)], deadline: Self.deadline())
            let within = try await store.lease(Self.ask(1, of: 100), for: Self.address, until: Self.deadline())
            #expect(within.granted == 0)
            #expect((1...(2 * RatePolicy.slotSeconds)).contains(within.waitSeconds), "\(within)")
            try await pool.execute(Self.age, [.int8(2)], deadline: Self.deadline())
            let after = try await store.lease(Self.ask(60, of: 100), for: Self.address, until: Self.deadline())
            #expect(after.granted == 60 && after.remaining == 40)
            // What is given back to a slot that no longer counts changes nothing.
            let late = try await store.lease(
                Self.ask(50, of: 100, unused: 30, slot: after.slot - 40), for: Self.address, until: Self.deadline())
            #expect(late.granted == 40)
        }
    }

    @Test("Two limiters on two connections let through what one may, and what one did not use the other gets")
    func limiters() async throws {
        try await Self.withStores(2) { stores, _ in
            let policy = RatePolicy(person: 0, key: 0, address: 200)
            let limiters = stores.map { store in
                RateLimiter(policy: policy, patience: .seconds(10)) { (subject, ask, deadline) async throws(RPCError) in
                    try await asking { () throws(StoreError) in
                        try await store.lease(ask, for: subject, until: deadline)
                    }
                }
            }
            let admitted = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<600 {
                    group.addTask { await limiters[number % 2].admit(Self.address)?.isAdmitted == true }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            // Exactly 200, unless a share expired unused while this machine was busy.
            #expect((190...200).contains(admitted), "\(admitted)")
        }
    }
}
