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
                            // Nobody returns a permit before all have theirs.
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

    @Test("When the background has had its part of a day's calls, people who wait still have theirs")
    func reserve() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let gate = Self.gateOfTen(MetadataStore(database: Database(pool: pools[0])))
            let background = await Self.calls(12, of: gate, isBackground: true)
            #expect(background.made == 8 && background.refusal?.outcome == .quota)
            let foreground = await Self.calls(12, of: gate, isBackground: false)
            #expect(foreground.made == 2 && foreground.refusal == .resting(.quota))
        }
    }

    /// A history of several thousand episodes used to spend OMDb's 1,000 calls a day before its films were asked about.
    @Test("Episodes in the background leave most of a day's calls to films and shows, and people ask about all")
    func episodes() async throws {
        try await TestDatabase.withReplicas(1, migrations: MetadataService.migrations) { pools in
            let gate = Self.gateOfTen(MetadataStore(database: Database(pool: pools[0])))
            let episodes = await Self.calls(12, of: gate, isBackground: true, about: .episode)
            #expect(episodes.made == 3 && episodes.refusal?.outcome == .quota)
            let films = await Self.calls(12, of: gate, isBackground: true, about: .movie)
            #expect(films.made == 5 && films.refusal?.outcome == .quota)
            let foreground = await Self.calls(12, of: gate, isBackground: false, about: .episode)
            #expect(foreground.made == 2 && foreground.refusal == .resting(.quota))
        }
    }

    /// A provider with ten calls a day.
    private static func gateOfTen(_ store: MetadataStore) -> SharedGate {
        let profile = ProviderProfile(
            .omdb, name: "OMDb", attribution: "", link: "", needs: [], baseURL: "", kinds: [.movie, .episode],
            sources: [.imdb],
            pace: ProviderProfile.Pace(calls: 1_000, per: .seconds(1), inFlightMax: 2, dailyCallsMax: 10),
            keeping: ProviderProfile.omdb.keeping, restAfterRefusal: .hours(1))
        // A place lost by coming late would count as one of the day's calls.
        var limits = GateLimits()
        limits.lateMax = .seconds(10)
        return SharedGate(profile, store: store, clock: Wall(), limits: limits)
    }

    /// Makes `count` calls in succession; returns how many were let through, and why the last was not.
    private static func calls(
        _ count: Int, of gate: SharedGate, isBackground: Bool, about kind: SubjectKind = .movie
    ) async -> (made: Int, refusal: ProviderError?) {
        let turn = ProviderTurn(deadline: .now + .seconds(20), isBackground: isBackground).about(kind)
        var made = 0
        var refusal: ProviderError?
        for _ in 0..<count {
            let error = await ProviderTurn.$current.withValue(turn) { await enter(gate) }
            // As the callers of providers do.
            await gate.note(error)
            if error == nil { made += 1 }
            refusal = error
        }
        return (made, refusal)
    }

    private static func enter(_ gate: SharedGate) async -> ProviderError? {
        do throws(ProviderError) {
            try await gate.enter()
        } catch {
            return error
        }
        gate.leave()
        return nil
    }
}
