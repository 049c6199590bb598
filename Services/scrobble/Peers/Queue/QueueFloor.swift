import Synchronization

/// The state of one worker: lanes in progress, and settlements that wait to be written.
final class QueueFloor: Sendable {
    private struct State {
        var lanes: [LaneKey: LaneClaim] = [:]
        var bulkCount = 0
        var lost: Set<LaneKey> = []
        var settlements: [LaneSettlement] = []
        var isDraining = false
        var isClaiming = false
        /// The lane whose jobs have killed workers, while it is worked.
        var suspect: LaneKey?
    }

    private let state = Mutex(State())
    /// Rings when a settlement is waiting.
    let finished = QueueBell()

    var isDraining: Bool { state.withLock(\.isDraining) }
    /// Whether nothing is in hand and no claim is in progress.
    var isEmpty: Bool { state.withLock { $0.lanes.isEmpty && !$0.isClaiming } }
    var claims: [LaneClaim] { state.withLock { Array($0.lanes.values) } }

    /// Returns how many more lanes fit, in total and with bulk work; none while draining. Until `endClaiming`, the
    /// floor does not count as empty.
    func beginClaiming(_ limits: QueueLimits) -> (all: Int, bulk: Int) {
        state.withLock { state in
            // Nothing new is claimed beside a suspect: it would be harmed with it.
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

    /// Whether a write may begin: the lane is held for long enough, and the worker is not draining.
    func maySend(_ claim: LaneClaim, now: ContinuousClock.Instant, leaseLeftMin: Duration) -> Bool {
        state.withLock { state in
            guard !state.isDraining, !state.lost.contains(claim.key), let held = state.lanes[claim.key],
                held.fence == claim.fence
            else { return false }
            return held.leaseEnds - now > leaseLeftMin
        }
    }

    /// Extends the `kept` leases until `leaseEnds`; the others in `asked` are lost.
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

    /// Marks `claim`, whose jobs have killed workers, as the suspect; false if there is one already.
    func takeSuspect(_ claim: LaneClaim) -> Bool {
        state.withLock { state in
            guard state.suspect == nil else { return false }
            state.suspect = claim.key
            return true
        }
    }

    /// Whether nothing else is in hand that would be harmed if `claim` killed the worker.
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
