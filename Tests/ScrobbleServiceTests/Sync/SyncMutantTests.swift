import Contracts
import Postgres
import Synchronization
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// The sync with one of its safeguards removed: the failures that the other tests look for must then occur.
@Suite struct SyncMutantTests {
    private static func rows(_ count: Int) -> [TitleValue<Int>] {
        (0..<count).map { TitleValue(TitleID(UUIDBits(high: 7, low: UInt64($0))), $0 % 10 + 1) }
    }

    /// Returns how many of our rows are removed after reading `theirs`.
    private static func removals(
        _ rows: [TitleValue<Int>], _ theirs: Snapshot<TitleValue<Int>>, _ brake: RemovalBrake
    ) -> Int {
        FacetPlanner<Int>(policy: FacetPolicy(direction: .both), brake: brake).plan(
            base: Dictionary(uniqueKeysWithValues: rows.map { ($0.title, BaseEntry($0.value.value)) }), ours: rows,
            theirs: theirs
        ).forUs.count
    }

    @Test("Without the brake, a list that has shrunk by half takes half of ours along")
    func noBrake() {
        let rows = Self.rows(60)
        let half = Snapshot.ours(Array(rows.prefix(30)))
        #expect(Self.removals(rows, half, .standard) == 0)
        let removed = Self.removals(rows, half, RemovalBrake { _, _ in .go })
        #expect(removed == 30)
        print("mutant no brake: caught, \(removed) of 60 removed")
    }

    @Test("Where what was read in part is taken for all, what it does not show is removed")
    func partTakenForAll() {
        let rows = Self.rows(26)
        let shown = Array(rows.prefix(25))
        #expect(Self.removals(rows, .partial(shown), .standard) == 0)
        let removed = Self.removals(rows, .ours(shown), .standard)
        #expect(removed == 1)
        print("mutant part taken for all: caught, \(removed) of 26 removed")
    }

    @Test("Without the lease, many that refresh at once spend a token that is good once")
    func noLease() async throws {
        // On a busy machine, the first may be done before the others begin; then they meet in another round.
        for _ in 0..<20 {
            let counted = Mutex(0)
            try await TokenKeeperTests.run { setting in
                setting.wall.pass(.seconds(700_000))
                setting.tokens.pass(seconds: 700_000)
                let robber = Task { while !Task.isCancelled { try await setting.letLeaseEnd() } }
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<24 { group.addTask { _ = await setting.keeper().token(of: setting.lane) } }
                }
                robber.cancel()
                let (granted, spent) = setting.tokens.refreshCounts
                counted.withLock { $0 = granted + spent }
            }
            let refreshes = counted.withLock { $0 }
            guard refreshes > 1 else { continue }
            print("mutant no lease: caught, \(refreshes) refreshes instead of one")
            return
        }
        Issue.record("the token was refreshed once in each of 20 rounds")
    }

    @Test("A simulated world without one of its safeguards goes wrong", arguments: SyncMutant.allCases, [true, false])
    func simulated(mutant: SyncMutant, isHistory: Bool) {
        guard isHistory ? mutant.guards.plays : mutant.guards.items else { return }
        let name = "\(mutant.rawValue) of \(isHistory ? "plays" : "items")"
        // Every fifth world is one of plays.
        for seed in UInt64(1)...20_000 where (seed % 5 == 4) == isHistory {
            guard let fault = SyncSimulation.run(seed, without: mutant) else { continue }
            print("mutant \(name): caught, seed \(seed): \(fault.prefix(60))")
            return
        }
        Issue.record("nothing is wrong in 20,000 worlds without \(name)")
    }
}
