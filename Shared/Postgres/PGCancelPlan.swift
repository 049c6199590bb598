/// Decides when Postgres is told to stop a batch in flight, and how long to wait for its end. Pure: no I/O, no clock.
///
/// A cancel request hits whatever runs when it arrives. If the statements of a batch end one by one, it is sent only
/// while the running statement is a stopped one; a batch that ends as a whole is cancelled for any of them.
struct PGCancelPlan: Sendable {
    typealias Instant = ContinuousClock.Instant

    enum Overdue: Sendable, Equatable {
        case nothing
        /// Postgres has not responded to a cancel request: the connection is no longer usable.
        case connection
        /// These parts are still queued behind others, and the grace of their callers has passed.
        case parts([Int])
    }

    /// Whether the end of each statement is known before the next one's.
    private let isStepwise: Bool
    /// Whether a failed statement leaves those behind it unaffected.
    private let hasSyncEach: Bool
    /// The number of statements that have ended; the index of the running one if `isStepwise`.
    private var settledCount = 0
    /// Statements that were stopped but have not ended, and how long their callers still wait.
    private var stopped: [(part: Int, waitsUntil: Instant?)] = []
    private var isSplit = false
    /// When the next cancel request is due.
    private(set) var cancelAt: Instant?
    /// The time by which Postgres must have ended what it was told to stop.
    private var answerBy: Instant?

    init(isStepwise: Bool = false, hasSyncEach: Bool = false) {
        self.isStepwise = isStepwise
        self.hasSyncEach = hasSyncEach
    }

    private var isStoppedOneRunning: Bool {
        isStepwise ? stopped.contains { $0.part == settledCount } : !stopped.isEmpty
    }

    /// Records that one of the calls served by statement `part` was stopped.
    mutating func stop(_ part: Int, delay: Duration, grace: Duration, now: Instant) {
        if let index = stopped.firstIndex(where: { $0.part == part }) {
            stopped[index].waitsUntil = min(stopped[index].waitsUntil ?? now + grace, now + grace)
        } else {
            stopped.append((part, now + grace))
        }
        guard isStoppedOneRunning else { return }
        cancelAt = min(cancelAt ?? now + delay, now + delay)
        answerBy = min(answerBy ?? now + grace, now + grace)
    }

    /// Cancels the batch for being slow, so that its statements can run one by one.
    mutating func split(now: Instant) {
        isSplit = true
        cancelAt = now
    }

    /// Records that statement `part` has ended, with whatever outcome.
    mutating func settled(_ part: Int, delay: Duration, grace: Duration, now: Instant) {
        settledCount += 1
        guard isSplit || !stopped.isEmpty else { return }
        stopped.removeAll { $0.part == part }
        if hasSyncEach { isSplit = false }
        guard isStepwise else { return }
        if isStoppedOneRunning {
            cancelAt = now + delay
            answerBy = now + grace
        } else {
            if !isSplit { cancelAt = nil }
            answerBy = nil
        }
    }

    /// Returns true once for each cancel request that is due.
    mutating func takeCancel(now: Instant) -> Bool {
        guard let moment = cancelAt, moment <= now else { return false }
        cancelAt = nil
        return true
    }

    /// Records that a cancel request was delivered. Postgres ignores one that arrives between two statements of a
    /// pipeline, so another follows for as long as the statement it was meant for still runs.
    mutating func delivered(retry: Duration, now: Instant) {
        if isSplit || isStoppedOneRunning { cancelAt = now + retry }
    }

    /// Bounds the wait for a cancel request still under way after its batch ended, so that a lost one does not hold the
    /// line.
    mutating func awaitDelivery(grace: Duration, now: Instant) { answerBy = now + grace }

    /// What is overdue by now; each part is reported once.
    mutating func takeOverdue(now: Instant) -> Overdue {
        if let answerBy, answerBy <= now { return .connection }
        var parts: [Int] = []
        for index in stopped.indices {
            guard let waitsUntil = stopped[index].waitsUntil, waitsUntil <= now else { continue }
            stopped[index].waitsUntil = nil
            parts.append(stopped[index].part)
        }
        return parts.isEmpty ? .nothing : .parts(parts)
    }

    /// The next time at which any of this is due.
    var wakesAt: Instant? {
        var earliest = cancelAt
        if let answerBy { earliest = min(earliest ?? answerBy, answerBy) }
        for case let (_, waitsUntil?) in stopped { earliest = min(earliest ?? waitsUntil, waitsUntil) }
        return earliest
    }
}
