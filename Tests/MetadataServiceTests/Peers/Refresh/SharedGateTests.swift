import Contracts
import Store
import Synchronization
import TestSupport
import Testing

@testable import MetadataService

@Suite("The gate of a provider")
struct SharedGateTests {
    private final class Wall: WallClock {
        private let moment = Mutex(Timestamp(clampingMicrosecondsSinceEpoch: 1_790_000_000_000_000))
        var now: Timestamp { moment.withLock { $0 } }
        func move(by time: Duration) { moment.withLock { $0 = $0.advanced(by: time) } }
    }

    private final class Counter: Sendable {
        private let value = Atomic(0)
        var count: Int { value.load(ordering: .relaxed) }
        func add() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }
    }

    @Test("After a rest one call goes ahead; once it has answered, all who wait follow as far as the provider allows")
    func trial() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let wall = Wall()
            let store = MetadataStore(database: Database(pool: pools[0]))
            let gate = SharedGate(ProviderProfile.tmdb.paced(callsPerSecond: 1_000), store: store, clock: wall)
            for _ in 0..<ProviderStanding.failuresMax { await gate.note(.timeout) }
            wall.move(by: .seconds(31))
            let entered = Counter()
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        guard (try? await gate.enter()) != nil else { return }
                        if entered.add() == 1 {
                            try? await Task.sleep(for: .milliseconds(200))
                            #expect(entered.count == 1, "one call at a time is enough to see")
                            await gate.note(nil)
                        } else {
                            // Nobody gives a permit back before all have theirs.
                            for _ in 0..<500 where entered.count < 8 {
                                try? await Task.sleep(for: .milliseconds(10))
                            }
                        }
                        gate.leave()
                    }
                }
            }
            #expect(entered.count == 8)
        }
    }
}
