package import Contracts

/// Why a connection waits for its person.
package enum ConnectionTrouble: String, Sendable, Hashable, CaseIterable {
    case needsReauth = "needs_reauth"
    case locked
    case apiKeyRejected = "api_key_rejected"
}

/// What came of asking the other side to take a job.
package enum JobReply: Sendable, Hashable {
    /// Taken, or there already.
    case delivered
    case alreadyThere
    /// The play is there already, dated so.
    case alreadyPlayed(Timestamp)
    /// Nothing left this machine, or the other side surely did nothing: try again later.
    case notTaken(String)
    /// The other side says when it will listen again; that holds for the whole connection.
    case wait(Duration, String)
    /// It may or may not have arrived: time ran out, the connection broke, 5xx.
    case ambiguous(String)
    /// Answered "broken inside", which may be this very job's fault; as ambiguous, but not for ever.
    case broken(String)
    /// Only the person can mend it.
    case askUser(ConnectionTrouble)
    /// Nothing of this facet is taken now; everything else is.
    case barred(StopCause)
    /// Never going to work.
    case refused(String)
    /// Not even tried, through no fault of the job: the worker stops or lost its lane.
    case untried
}

/// What a look at the other side showed.
package enum LookReply: Sendable, Hashable {
    case found
    case absent
    case failed(JobReply)
}

/// What becomes of a job.
package enum JobFate: Sendable, Hashable {
    /// Leaves the queue, delivered or no longer worth it.
    case done(reason: String)
    /// Leaves the queue and waits for its person, who can send it again.
    case dead(reason: String)
    /// Leaves the queue untold: what it was about is planned anew once its facet goes on.
    case barred(StopCause)
    /// Is tried again, at the earliest after that time; an uncounted try does not move the backoff on. One that surely did
    /// not arrive is no sending: it says nothing about what the other side makes of the job.
    case again(after: Duration, reason: String, isCounted: Bool, mayHaveArrived: Bool = false)
    /// Is looked for on the other side before anything else.
    case verify(after: Duration, looks: Int, reason: String)

    package var leaves: Bool {
        switch self {
        case .done, .dead, .barred: true
        case .again, .verify: false
        }
    }
}

/// What the outcome means for the jobs behind it on the same connection.
package enum LaneEffect: Sendable, Hashable {
    case goOn
    /// Nothing for this long.
    case hold(Duration)
    /// Nothing until the person has done something.
    case stop(ConnectionTrouble)
    /// Nothing more of this facet.
    case bar(SyncFacet, StopCause)
}

/// What a worker does with a job that it has claimed.
package enum JobStep: Sendable, Hashable {
    case send
    case look
    /// Nothing on the other side: settles at once.
    case settle(JobFate)
}

/// The life of a job, as rules without time and network.
///
///     pending ──claimed──▶ sending ──taken, or there already──────────▶ done
///        ▲                  │  │  ├──never going to work, too old─────▶ dead
///        │                  │  │  └──nothing of its facet is taken────▶ cancelled
///        ├──not taken, wait─┘  └──unknown──▶ verify ──found───────────▶ done
///        │                                   │  ▲ └─looked for ever───▶ dead
///        └──────────absent twice─────────────┘  └─worker died
package struct JobMachine: Sendable {
    package let limits: QueueLimits

    /// How an outcome begins that tells when the other side says it was watched; the moment follows.
    package static let alreadyPlayed = "already there, played at "

    package init(limits: QueueLimits) { self.limits = limits }

    /// What to do with a claimed job.
    package func step(_ job: JobState) -> JobStep {
        if job.unsettled > limits.unsettledMax { return .settle(.dead(reason: "workers die of it")) }
        if job.age > limits.horizon { return .settle(.dead(reason: "undelivered for too long")) }
        if job.action.isMomentary, job.age > life(of: job.action) { return .settle(.done(reason: "over")) }
        if job.action.isRepeatable { return .send }
        switch job.status {
        case .pending: return .send
        case .verify: return .look
        case .sending:
            // Its worker died between the intent and the outcome.
            return .settle(
                .verify(after: max(.zero, limits.firstLook - job.sinceSent), looks: 0, reason: "worker died"))
        }
    }

    private func life(of action: JobAction) -> Duration {
        action == .checkOut ? limits.checkOutFor : limits.liveFor
    }

    /// A claimed job that is not worked now after all.
    package func postponed(_ job: JobState) -> JobFate {
        if case .settle(let fate) = step(job) { return fate }
        if job.status == .verify, !job.action.isRepeatable {
            return .verify(after: .zero, looks: job.looks, reason: "not looked for")
        }
        return .again(after: .zero, reason: "not tried", isCounted: false)
    }

    /// A job that travelled with one of which workers died; it may go alone next time, with a clean record.
    package func acquitted(_ job: JobState) -> JobFate {
        var innocent = job
        innocent.unsettled = 0
        let fate = postponed(innocent)
        if case .again = fate {
            return .again(after: .zero, reason: "not tried", isCounted: true, mayHaveArrived: true)
        }
        return fate
    }

    /// After a reply to a sent job; `jitter` is 0 to 1.
    package func settle(_ job: JobState, _ reply: JobReply, jitter: Double) -> (fate: JobFate, lane: LaneEffect) {
        let wait = backoff(tries: job.retryCount, jitter: jitter)
        switch reply {
        case .delivered: return (.done(reason: "delivered"), .goOn)
        case .alreadyThere: return (.done(reason: "already there"), .goOn)
        case .alreadyPlayed(let at): return (.done(reason: "\(Self.alreadyPlayed)\(at)"), .goOn)
        case .untried: return (.again(after: .zero, reason: "not tried", isCounted: false), .goOn)
        case .notTaken(let reason): return (.again(after: wait, reason: reason, isCounted: true), .hold(wait))
        case .wait(let time, let reason):
            let held = min(max(time, .zero), limits.backoffMax)
            return (.again(after: .zero, reason: reason, isCounted: false), .hold(held))
        case .broken(let reason) where isHopeless(job): return (.dead(reason: reason), .goOn)
        case .ambiguous(let reason), .broken(let reason):
            if job.action.isRepeatable {
                return (.again(after: wait, reason: reason, isCounted: true, mayHaveArrived: true), .hold(wait))
            }
            // The jobs behind it would meet the same fault, and must not overtake it.
            return (.verify(after: limits.firstLook, looks: 0, reason: reason), .hold(min(wait, limits.firstLook)))
        case .askUser(let trouble):
            return (.again(after: .zero, reason: trouble.rawValue, isCounted: false), .stop(trouble))
        case .barred(let cause): return (.barred(cause), .bar(job.action.facet, cause))
        case .refused(let reason): return (.dead(reason: reason), .goOn)
        }
    }

    /// After a look for a job that may have arrived.
    package func settle(_ job: JobState, _ look: LookReply, jitter: Double) -> (fate: JobFate, lane: LaneEffect) {
        switch look {
        case .found: return (.done(reason: "found there"), .goOn)
        case .absent where job.looks == 0:
            return (
                .verify(after: max(.zero, limits.secondLook - job.sinceSent), looks: 1, reason: "not found yet"), .goOn
            )
        case .absent:
            if isHopeless(job) { return (.dead(reason: "sent \(job.sends) times and never found"), .goOn) }
            return (.again(after: .zero, reason: "not found", isCounted: true), .goOn)
        case .failed(.askUser(let trouble)):
            return (.verify(after: .zero, looks: job.looks, reason: trouble.rawValue), .stop(trouble))
        case .failed(.wait(let time, let reason)):
            return (
                .verify(after: .zero, looks: job.looks, reason: reason), .hold(min(max(time, .zero), limits.backoffMax))
            )
        case .failed(.refused(let reason)): return (.dead(reason: reason), .goOn)
        case .failed:
            let wait = backoff(tries: job.retryCount, jitter: jitter)
            return (.verify(after: wait, looks: job.looks, reason: "cannot be looked for"), .hold(wait))
        }
    }

    /// Whether the fault is more likely this job's own than an outage.
    private func isHopeless(_ job: JobState) -> Bool { job.sends >= limits.brokenMax && job.age > limits.brokenFor }

    /// The wait after `tries` failures (1 and more): doubling, at most `backoffMax`, of which jitter takes up to half.
    package func backoff(tries: Int, jitter: Double) -> Duration {
        let doublings = min(max(tries - 1, 0), 30)
        let whole = min(limits.backoffMin * (1 << doublings), limits.backoffMax)
        return whole * (1 - 0.5 * min(max(jitter, 0), 1))
    }
}
