package import Contracts

/// A lane that a worker holds, with the jobs to do next: one live job, or a run of bulk jobs that travel together.
package struct LaneClaim: Sendable {
    package let key: LaneKey
    /// Higher than that of every earlier holder.
    package let fence: Int64
    package let urgency: JobUrgency
    /// By the worker's own monotonic clock, counted from before the claim was sent, so never late.
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

/// From when on due lanes are looked for. It moves on with what was claimed, so that claims pass no rows that were
/// dead long ago but cannot be removed yet; from time to time it starts over, so that nothing is missed for long.
package struct ClaimWindow: Sendable, Hashable {
    package private(set) var live = Self.start
    package private(set) var bulk = Self.start
    private let slack: Duration

    private static let start = Timestamp(clampingMicrosecondsSinceEpoch: 0)

    /// `slack` is how much later than its own time a row may be committed.
    package init(slack: Duration) { self.slack = slack }

    package mutating func saw(_ dueAt: Timestamp, isLive: Bool) {
        let place = dueAt.advanced(by: .zero - slack)
        if isLive { live = max(live, place) } else { bulk = max(bulk, place) }
    }

    package mutating func startOver() { (live, bulk) = (Self.start, Self.start) }
}

/// What a worker found out about its lane.
package struct LaneSettlement: Sendable {
    package struct Job: Sendable, Hashable {
        package let position: Int64
        package let fate: JobFate
    }

    package let claim: LaneClaim
    /// In the order of their positions.
    package let jobs: [Job]
    /// Nobody claims the lane for this long.
    package let hold: Duration
    package let trouble: ConnectionTrouble?
    /// Facets of which the other side takes nothing more.
    package let bars: [SyncFacet: StopCause]

    /// `pace` is the least time between two calls of a connection.
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

    /// When the first job that stays may be tried again; zero where none stays.
    package var wait: Duration {
        switch jobs.first(where: { !$0.fate.leaves })?.fate {
        case .again(let after, _, _, _): after
        case .verify(let after, _, _): after
        case .done, .dead, .barred, nil: .zero
        }
    }

    /// Below this position nothing is left of this urgency; nil where no job was seen.
    package var low: Int64? { jobs.first { !$0.fate.leaves }?.position ?? jobs.last.map { $0.position + 1 } }
}

extension JobFate {
    /// All that `word` can be.
    package static let words = ["done", "dead", "cancelled", JobStatus.pending.rawValue, JobStatus.verify.rawValue]

    /// The job's status, or the outcome with which it leaves.
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
    /// As Postgres and configuration texts have it.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
