import Contracts
import Synchronization
import TestSupport

@testable import ScrobbleService

/// A remote that records everything that arrives, and accepts it as often as it is sent.
final class RemoteBook: RemoteWriter {
    struct Entry: Sendable, Hashable {
        let lane: LaneKey
        let title: TitleID
    }

    private struct State {
        var entries: [Entry] = []
        var calls = 0
        var underWay: Set<LaneKey> = []
        var overlaps = 0
        var random: SeededRandom
        var lastCall: [LaneKey: ContinuousClock.Instant] = [:]
        var shortestGap: Duration?
    }

    private let state: Mutex<State>
    let pace: Duration
    /// Returns how a call goes wrong, if at all, given a random number.
    let fault: @Sendable (UInt64) -> Fault?
    /// Runs before each write arrives.
    let before: @Sendable (Parcel) async -> Void

    enum Fault: Sendable {
        /// The write arrives, but the answer does not.
        case lostReply
        /// The write does not arrive, and the sender cannot tell.
        case lostRequest
        case busy(Duration)
        case refused
    }

    init(
        seed: UInt64 = 1, pace: Duration = .zero, fault: @escaping @Sendable (UInt64) -> Fault? = { _ in nil },
        before: @escaping @Sendable (Parcel) async -> Void = { _ in }
    ) {
        state = Mutex(State(random: SeededRandom(seed: seed)))
        self.pace = pace
        self.fault = fault
        self.before = before
    }

    var entries: [Entry] { state.withLock(\.entries) }
    var calls: Int { state.withLock(\.calls) }
    /// The number of calls of one lane that were in progress at the same time.
    var overlaps: Int { state.withLock(\.overlaps) }

    /// The shortest time between the arrivals of two calls of one lane.
    var shortestGap: Duration? { state.withLock(\.shortestGap) }

    func send(_ parcel: Parcel) async -> [JobReply] {
        let number = state.withLock { state in
            state.calls += 1
            let now = ContinuousClock.now
            if let last = state.lastCall.updateValue(now, forKey: parcel.lane) {
                state.shortestGap = min(state.shortestGap ?? .seconds(3_600), last.duration(to: now))
            }
            if !state.underWay.insert(parcel.lane).inserted { state.overlaps += 1 }
            return state.random.next()
        }
        await before(parcel)
        let fault = fault(number)
        let reply: JobReply = state.withLock { state in
            state.underWay.remove(parcel.lane)
            switch fault {
            case nil:
                state.entries += parcel.jobs.map { Entry(lane: parcel.lane, title: $0.title) }
                return .delivered
            case .lostReply:
                state.entries += parcel.jobs.map { Entry(lane: parcel.lane, title: $0.title) }
                return .ambiguous("the reply was lost")
            case .lostRequest: return .ambiguous("the request was lost")
            case .busy(let time): return .wait(time, "busy")
            case .refused: return .refused("no such title")
            }
        }
        return parcel.jobs.map { _ in reply }
    }

    func look(for parcel: Parcel) async -> [LookReply] {
        state.withLock { state in
            let known = Set(state.entries.filter { $0.lane == parcel.lane }.map(\.title))
            return parcel.jobs.map { known.contains($0.title) ? .found : .absent }
        }
    }
}
