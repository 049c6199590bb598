package import Contracts

/// A lane that a worker holds, with its next jobs: one live job, or a run of bulk jobs sent together.
package struct LaneClaim: Sendable {
    package let key: LaneKey
    /// Higher than that of every earlier holder.
    package let fence: Int64
    package let urgency: JobUrgency
    /// By the worker's own monotonic clock, counted from before the claim was sent, so never too late.
    package let leaseEnds: ContinuousClock.Instant
    package var jobs: [QueueJob]

    package init(
        key: LaneKey, fence: Int64, urgency: JobUrgency, leaseEnds: ContinuousClock.Instant, jobs: [QueueJob]
    ) {
        self.key = key
        self.fence = fence
        self.urgency = urgency
        self.leaseEnds = leaseEnds
        self.jobs = jobs
    }
}

/// The time from which due lanes are looked for. It advances with what was claimed, so that claims do not scan rows
/// that are long dead but cannot be removed yet; from time to time it starts over, so that nothing is missed for long.
package struct ClaimWindow: Sendable, Hashable {
    package private(set) var live = Self.start
    package private(set) var bulk = Self.start
    private let slack: Duration

    private static let start = Timestamp(clampingMicrosecondsSinceEpoch: 0)

    /// `slack` is how long after its own time a row may be committed.
    package init(slack: Duration) { self.slack = slack }

    package mutating func saw(_ dueAt: Timestamp, isLive: Bool) {
        let place = dueAt.advanced(by: .zero - slack)
        if isLive { live = max(live, place) } else { bulk = max(bulk, place) }
    }

    package mutating func startOver() { (live, bulk) = (Self.start, Self.start) }
}

/// What a worker learned about its lane.
package struct LaneSettlement: Sendable {
    package struct Job: Sendable, Hashable {
        package let position: Int64
        package let fate: JobFate
    }

    package let claim: LaneClaim
    /// In order of position.
    package let jobs: [Job]
    /// Nobody claims the lane for this long.
    package let hold: Duration
    package let trouble: ConnectionTrouble?
    /// The facets of which the other side accepts nothing more.
    package let bars: [SyncFacet: StopCause]

    /// `pace` is the minimum time between two calls of a connection.
    package init(claim: LaneClaim, results: [(fate: JobFate, lane: LaneEffect)], pace: Duration) {
        self.claim = claim
        jobs = zip(claim.jobs, results).map { Job(position: $0.position, fate: $1.fate) }
        var hold = pace
        var trouble: ConnectionTrouble?
        var bars: [SyncFacet: StopCause] = [:]
        for result in results {
            switch result.lane {
            case .goOn: break
            case .hold(let time): hold = max(hold, time)
            case .stop(let reason): trouble = reason
            case .bar(let facet, let cause): bars[facet] = cause
            }
        }
        self.bars = bars
        self.hold = hold
        self.trouble = trouble
    }

    /// How long until the first remaining job may be retried; zero if none remains.
    package var wait: Duration {
        switch jobs.first(where: { !$0.fate.leaves })?.fate {
        case .again(let after, _, _, _): after
        case .verify(let after, _, _): after
        case .done, .dead, .barred, nil: .zero
        }
    }

    /// The position below which no job of this urgency is left; nil if no job was seen.
    package var low: Int64? { jobs.first { !$0.fate.leaves }?.position ?? jobs.last.map { $0.position + 1 } }
}

extension JobFate {
    /// All possible values of `word`.
    package static let words = ["done", "dead", "cancelled", JobStatus.pending.rawValue, JobStatus.verify.rawValue]

    /// The job's status, or the outcome with which it leaves the queue.
    package var word: String {
        switch self {
        case .done: "done"
        case .dead: "dead"
        case .barred: "cancelled"
        case .again: JobStatus.pending.rawValue
        case .verify: JobStatus.verify.rawValue
        }
    }

    package var reason: String {
        switch self {
        case .done(let reason), .dead(let reason), .again(_, let reason, _, _), .verify(_, _, let reason): reason
        case .barred(let cause): cause.rawValue
        }
    }

    package var looks: Int { if case .verify(_, let looks, _) = self { looks } else { 0 } }

    package var isCounted: Bool { if case .again(_, _, let isCounted, _) = self { isCounted } else { true } }

    package var mayHaveArrived: Bool { if case .again(_, _, _, let mayHave) = self { mayHave } else { true } }
}

extension Duration {
    /// The duration in seconds, as used by Postgres and configuration files.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
