/// When Postgres is told to stop what one batch in flight runs, and for how long its end is waited for. Pure: no I/O,
/// no clock.
///
/// A cancel request hits whatever runs when it arrives. Where the ends of a batch's statements come one by one, it is
/// sent only while the statement that runs is a stopped one; a batch that ends as a whole is cancelled for any of them.
struct PGCancelPlan: Sendable {
    typealias Instant = ContinuousClock.Instant

    enum Overdue: Sendable, Equatable {
        case nothing
        /// Postgres has not answered a cancel request: the connection is of no use any more.
        case connection
        /// These are still behind others, and whoever stopped them has waited long enough.
        case parts([Int])
    }

    /// Whether the end of each statement is told before the next one's.
    private let isStepwise: Bool
    /// Whether what has gone wrong with one statement leaves those behind it alone.
    private let hasSyncEach: Bool
    /// Statements that have come to their end; the number of the one that runs where `isStepwise`.
    private var settledCount = 0
    /// Statements that were stopped and have not ended, and how long their callers still wait.
    private var stopped: [(part: Int, waitsUntil: Instant?)] = []
    private var isSplit = false
    /// When the next cancel request is due.
    private(set) var cancelAt: Instant?
    /// When Postgres must have come to the end of what it was told to stop.
    private var answerBy: Instant?

    init(isStepwise: Bool = false, hasSyncEach: Bool = false) {
        self.isStepwise = isStepwise
        self.hasSyncEach = hasSyncEach
    }

    private var isStoppedOneRunning: Bool {
        isStepwise ? stopped.contains { $0.part == settledCount } : !stopped.isEmpty
    }

    /// One of the calls that statement `part` is for is stopped.
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

    /// The batch is cancelled for being slow, so that its statements can run one by one.
    mutating func split(now: Instant) {
        isSplit = true
        cancelAt = now
    }

    /// Statement `part` has come to its end, whichever.
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

    /// True once for each cancel request that is due.
    mutating func takeCancel(now: Instant) -> Bool {
        guard let moment = cancelAt, moment <= now else { return false }
        cancelAt = nil
        return true
    }

    /// A cancel request has been delivered. Postgres ignores one that arrives between two statements of a pipeline, so
    /// as long as what it was for still runs the next one follows.
    mutating func delivered(retry: Duration, now: Instant) {
        if isSplit || isStoppedOneRunning { cancelAt = now + retry }
    }

    /// The batch is over and its cancel request still under way: one that never gets through must not keep the line.
    mutating func awaitDelivery(grace: Duration, now: Instant) { answerBy = now + grace }

    /// What has taken too long by now; each part is told once.
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

    /// The next moment at which something of this is due.
    var wakesAt: Instant? {
        var earliest = cancelAt
        if let answerBy { earliest = min(earliest ?? answerBy, answerBy) }
        for case let (_, waitsUntil?) in stopped { earliest = min(earliest ?? waitsUntil, waitsUntil) }
        return earliest
    }
}
