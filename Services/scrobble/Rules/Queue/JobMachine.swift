package import Contracts

/// Why a connection waits for the person.
package enum ConnectionTrouble: String, Sendable, Hashable, CaseIterable {
    case needsReauth = "needs_reauth"
    case locked
    case apiKeyRejected = "api_key_rejected"
}

/// The result of sending a job to the other side.
package enum JobReply: Sendable, Hashable {
    /// The other side accepted it, or already had it.
    case delivered
    case alreadyThere
    /// The other side already has the play, with this date.
    case alreadyPlayed(Timestamp)
    /// Nothing was sent, or the other side certainly did nothing: try again later.
    case notTaken(String)
    /// The other side says when it will accept calls again; this applies to the whole connection.
    case wait(Duration, String)
    /// It may or may not have arrived: a timeout, a broken connection, a 5xx.
    case ambiguous(String)
    /// The other side failed internally, which may be this job's own fault; ambiguous, but with an end.
    case broken(String)
    /// Only the person can fix it.
    case askUser(ConnectionTrouble)
    /// Nothing of this facet is accepted now; everything else is.
    case barred(StopCause)
    /// It will never succeed.
    case refused(String)
    /// Not even tried, through no fault of the job: the worker is stopping or has lost its lane.
    case untried
}

/// The result of looking for a job's effect on the other side.
package enum LookReply: Sendable, Hashable {
    case found
    case absent
    case failed(JobReply)
}

/// What happens to a job.
package enum JobFate: Sendable, Hashable {
    /// Leaves the queue, delivered or no longer worth delivering.
    case done(reason: String)
    /// Leaves the queue and waits for the person, who can send it again.
    case dead(reason: String)
    /// Leaves the queue unsent: its change is planned again once its facet goes on.
    case barred(StopCause)
    /// Is retried, at the earliest after this time; an uncounted try does not advance the backoff. A try that certainly
    /// did not arrive is not counted as a send: it says nothing about how the other side handles the job.
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
    /// Nothing until the person has acted.
    case stop(ConnectionTrouble)
    /// Nothing more of this facet.
    case bar(SyncFacet, StopCause)
}

/// What a worker does with a claimed job.
package enum JobStep: Sendable, Hashable {
    case send
    case look
    /// Settles at once, without a call to the other side.
    case settle(JobFate)
}

/// The life cycle of a job, as rules without time or network.
///
///     pending ──claimed──▶ sending ──accepted, or already there───────▶ done
///        ▲                  │  │  ├──refused, too old─────────────────▶ dead
///        │                  │  │  └──its facet is barred──────────────▶ cancelled
///        ├──retry, wait─────┘  └──unknown──▶ verify ──found───────────▶ done
///        │                                   │  ▲ └─never found───────▶ dead
///        └──────────absent twice─────────────┘  └─worker died
package struct JobMachine: Sendable {
    package let limits: QueueLimits

    /// The prefix of an outcome that gives the time at which the other side says it was watched; the time follows.
    package static let alreadyPlayed = "already there, played at "

    package init(limits: QueueLimits) { self.limits = limits }

    /// Returns what to do with a claimed job.
    package func step(_ job: JobState) -> JobStep {
        if job.unsettled > limits.unsettledMax { return .settle(.dead(reason: "it crashes workers")) }
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

    /// Returns the fate of a claimed job that is not worked on after all.
    package func postponed(_ job: JobState) -> JobFate {
        if case .settle(let fate) = step(job) { return fate }
        if job.status == .verify, !job.action.isRepeatable {
            return .verify(after: .zero, looks: job.looks, reason: "not checked")
        }
        return .again(after: .zero, reason: "not tried", isCounted: false)
    }

    /// Returns the fate of a job batched with one that killed workers; it may go alone next time, with a clean record.
    package func acquitted(_ job: JobState) -> JobFate {
        var innocent = job
        innocent.unsettled = 0
        let fate = postponed(innocent)
        if case .again = fate {
            return .again(after: .zero, reason: "not tried", isCounted: true, mayHaveArrived: true)
        }
        return fate
    }

    /// Returns the outcome of a reply to a sent job; `jitter` is 0 to 1.
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

    /// Returns the outcome of looking for a job that may have arrived.
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
            return (.verify(after: wait, looks: job.looks, reason: "cannot be checked"), .hold(wait))
        }
    }

    /// Whether the job itself is more likely at fault than an outage.
    private func isHopeless(_ job: JobState) -> Bool { job.sends >= limits.brokenMax && job.age > limits.brokenFor }

    /// Returns the wait after `tries` failures (at least 1): doubles up to `backoffMax`, of which jitter subtracts up
    /// to half.
    package func backoff(tries: Int, jitter: Double) -> Duration {
        let doublings = min(max(tries - 1, 0), 30)
        let whole = min(limits.backoffMin * (1 << doublings), limits.backoffMax)
        return whole * (1 - 0.5 * min(max(jitter, 0), 1))
    }
}
