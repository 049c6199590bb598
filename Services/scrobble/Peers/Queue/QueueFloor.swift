import Synchronization

/// What one worker has in hand: lanes under way, and settlements that wait to be written.
final class QueueFloor: Sendable {
    private struct State {
        var lanes: [LaneKey: LaneClaim] = [:]
        var bulkCount = 0
        var lost: Set<LaneKey> = []
        var settlements: [LaneSettlement] = []
        var isDraining = false
        var isClaiming = false
        /// The lane whose jobs workers have died of, while it is worked.
        var suspect: LaneKey?
    }

    private let state = Mutex(State())
    /// Rings when a settlement waits.
    let finished = QueueBell()

    var isDraining: Bool { state.withLock(\.isDraining) }
    /// Nothing is in hand, and nothing on its way into it.
    var isEmpty: Bool { state.withLock { $0.lanes.isEmpty && !$0.isClaiming } }
    var claims: [LaneClaim] { state.withLock { Array($0.lanes.values) } }

    /// How many more lanes fit: all, and of these such with bulk work; none once the end was asked for. What a claim of
    /// them brings is owed until `endClaiming`.
    func beginClaiming(_ limits: QueueLimits) -> (all: Int, bulk: Int) {
        state.withLock { state in
            // Beside a suspect nothing new is taken in hand: it would suffer with it.
            guard !state.isDraining, state.suspect == nil else { return (0, 0) }
            state.isClaiming = true
            let all = max(0, limits.lanesMax - state.lanes.count)
            return (all, min(all, max(0, limits.bulkLanesMax - state.bulkCount)))
        }
    }

    func endClaiming() { state.withLock { $0.isClaiming = false } }

    func drain() { state.withLock { $0.isDraining = true } }

    func begin(_ claim: LaneClaim) {
        state.withLock { state in
            state.lanes[claim.key] = claim
            if claim.urgency == .bulk { state.bulkCount += 1 }
        }
    }

    /// Whether a write may begin: the lane is ours for long enough, and nobody asked for the end.
    func maySend(_ claim: LaneClaim, now: ContinuousClock.Instant, leaseLeftMin: Duration) -> Bool {
        state.withLock { state in
            guard !state.isDraining, !state.lost.contains(claim.key), let held = state.lanes[claim.key],
                held.fence == claim.fence
            else { return false }
            return held.leaseEnds - now > leaseLeftMin
        }
    }

    /// The leases that were renewed before `leaseEnds`; the others of `asked` are lost.
    func renewed(_ kept: Set<LaneKey>, of asked: [LaneClaim], until leaseEnds: ContinuousClock.Instant) {
        state.withLock { state in
            for claim in asked {
                guard let held = state.lanes[claim.key], held.fence == claim.fence else { continue }
                if kept.contains(claim.key) {
                    state.lanes[claim.key] = LaneClaim(
                        key: held.key, fence: held.fence, urgency: held.urgency, leaseEnds: leaseEnds, jobs: held.jobs)
                } else {
                    state.lost.insert(claim.key)
                }
            }
        }
    }

    /// Whether `claim` may be worked although workers died of its jobs: one such claim at a time.
    func takeSuspect(_ claim: LaneClaim) -> Bool {
        state.withLock { state in
            guard state.suspect == nil else { return false }
            state.suspect = claim.key
            return true
        }
    }

    /// Whether nothing else is in hand that would suffer with it.
    func isAlone(_ claim: LaneClaim) -> Bool { state.withLock { $0.lanes.count <= 1 } }

    func finish(_ settlement: LaneSettlement) {
        state.withLock { $0.settlements.append(settlement) }
        finished.ring()
    }

    func takeSettlements(_ countMax: Int) -> [LaneSettlement] {
        state.withLock { state in
            let taken = Array(state.settlements.prefix(countMax))
            state.settlements.removeFirst(taken.count)
            return taken
        }
    }

    func end(_ claims: [LaneClaim]) {
        state.withLock { state in
            for claim in claims {
                state.lost.remove(claim.key)
                if state.suspect == claim.key { state.suspect = nil }
                if state.lanes.removeValue(forKey: claim.key) != nil, claim.urgency == .bulk { state.bulkCount -= 1 }
            }
        }
    }
}
