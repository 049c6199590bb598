internal import Synchronization

/// One call of one statement. Its inputs never change, so that tasks and the loop can share it.
@safe final class PGRequest: Sendable {
    typealias Instant = ContinuousClock.Instant
    typealias Outcome = Result<PGAnswer, PGError>

    /// The receiver of the result.
    enum Completion: Sendable {
        /// Nobody, as for the BEGIN sent before a statement.
        case unobserved
        /// The task that called `wait`.
        case alone
        case member(PGResultCollector, place: Int)
    }

    /// The progress of the call.
    struct Course {
        var attemptCount = 0
        var sentAt: Instant?
        /// The slot it was sent on; nil while it waits.
        var slot: Int?
        /// Why it is being stopped; the caller gets this unless Postgres was faster.
        var stop: PGError.Kind?
    }

    let id: Int
    let text: PGStatementText
    let parameters: PGParameters
    let submitted: Instant
    let deadline: Instant
    /// Whether the statement may have been applied if the connection breaks before the answer.
    let lossIsUnknown: Bool
    private let completion: Completion
    // SAFETY: read and changed only by whoever holds the core's lock, until the call is settled.
    private nonisolated(unsafe) var courseStorage = Course()
    // SAFETY: set once before the call is sent, read once by the thread that settles it.
    private nonisolated(unsafe) var waiter: UnsafeContinuation<Void, Never>?
    // SAFETY: written once, before `isSettled` is stored in release order; read only where it was loaded in acquire
    // order and true, or by the thread that wrote it.
    private nonisolated(unsafe) var settlement: (outcome: Outcome, at: Instant)?
    private let isSettled = Atomic<Bool>(false)

    init(
        id: Int, text: PGStatementText, parameters: PGParameters, submitted: Instant, deadline: Instant,
        lossIsUnknown: Bool, completion: Completion = .alone
    ) {
        self.id = id
        self.text = text
        self.parameters = parameters
        self.submitted = submitted
        self.deadline = deadline
        self.lossIsUnknown = lossIsUnknown
        self.completion = completion
    }

    /// Accessed only under the core's lock.
    var course: Course {
        get { unsafe courseStorage }
        set { unsafe courseStorage = newValue }
    }

    /// Sets the continuation to resume; must precede sending the call.
    func wait(with continuation: UnsafeContinuation<Void, Never>) { unsafe waiter = continuation }

    /// Stores the outcome; called once, under the core's lock, and followed by `finish`.
    func settle(_ outcome: Outcome, at moment: Instant) {
        unsafe settlement = (outcome, moment)
        isSettled.store(true, ordering: .releasing)
    }

    /// Delivers the outcome to its receiver.
    func finish() {
        switch completion {
        case .unobserved: return
        case .alone: unsafe waiter?.resume()
        case .member(let collector, let place): collector.finish(place, outcome)
        }
    }

    /// The outcome; read only after the call was settled.
    var outcome: Outcome {
        guard isSettled.load(ordering: .acquiring), let settlement = unsafe settlement else {
            return .failure(PGError(.closed, "the call has no outcome"))
        }
        return settlement.outcome
    }

    /// The observation of its end, for metrics; nil before.
    var observation: PGObservation? {
        guard isSettled.load(ordering: .acquiring), let settlement = unsafe settlement else { return nil }
        var rowCount = 0
        var failure: PGError?
        switch settlement.outcome {
        case .success(let answer): rowCount = answer.rowCount
        case .failure(let error): failure = error
        }
        return .statement(
            name: text.name, duration: settlement.at - submitted,
            wait: (course.sentAt ?? settlement.at) - submitted, rowCount: rowCount, error: failure)
    }
}

/// Waits for several statements that were sent together; the first error fails all of them.
final class PGResultCollector: Sendable {
    typealias Continuation = CheckedContinuation<Result<[PGResult], PGError>, Never>

    private struct State {
        var results: [PGResult?]
        var error: PGError?
        var leftCount: Int
        var continuation: Continuation?
    }

    private let state: Mutex<State>

    init(count: Int, _ continuation: Continuation) {
        state = Mutex(
            State(results: Array(repeating: nil, count: count), leftCount: count, continuation: continuation))
    }

    func finish(_ place: Int, _ result: PGRequest.Outcome) {
        let end: (Continuation, Result<[PGResult], PGError>)? = state.withLock { state in
            switch result {
            case .success(let value): state.results[place] = value.whole
            case .failure(let error): state.error = state.error ?? error
            }
            state.leftCount -= 1
            guard state.leftCount == 0, let continuation = state.continuation else { return nil }
            state.continuation = nil
            if let error = state.error { return (continuation, .failure(error)) }
            return (continuation, .success(state.results.compactMap(\.self)))
        }
        if let (continuation, outcome) = end { continuation.resume(returning: outcome) }
    }
}

/// A slot and one of its successive connections.
struct PGSlotToken: Sendable, Hashable {
    let slot: Int
    let generation: UInt32

    init(slot: Int, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    init(raw: UInt64) {
        self.init(slot: Int(raw >> 32), generation: UInt32(truncatingIfNeeded: raw))
    }

    var raw: UInt64 { UInt64(slot) << 32 | UInt64(generation) }
}

/// A request for an exclusive connection; with a `sink` one outside the pool, for LISTEN.
final class PGLeaseRequest: Sendable {
    let id: Int
    let deadline: ContinuousClock.Instant
    let sink: PGNotificationSink?
    let continuation: CheckedContinuation<Result<PGSlotToken, PGError>, Never>

    init(
        id: Int, deadline: ContinuousClock.Instant, sink: PGNotificationSink?,
        continuation: CheckedContinuation<Result<PGSlotToken, PGError>, Never>
    ) {
        self.id = id
        self.deadline = deadline
        self.sink = sink
        self.continuation = continuation
    }
}

/// One step outside pipeline mode on a leased connection: part of a COPY, or a script of several statements.
final class PGCopyRequest: Sendable {
    enum Step: Sendable {
        case start(sql: String)
        /// Statements without parameters, separated by semicolons (simple query protocol).
        case script(sql: String)
        case data([UInt8])
        /// With a complaint, Postgres undoes the COPY.
        case end(complaint: String?)
    }

    let id: Int
    let step: Step
    let deadline: ContinuousClock.Instant
    /// The row count after `end`, 0 before.
    let continuation: CheckedContinuation<Result<Int, PGError>, Never>

    init(
        id: Int, step: Step, deadline: ContinuousClock.Instant,
        continuation: CheckedContinuation<Result<Int, PGError>, Never>
    ) {
        self.id = id
        self.step = step
        self.deadline = deadline
        self.continuation = continuation
    }
}

/// The commands of tasks and helper threads to the core.
enum PGCoreCommand: Sendable {
    case submit(PGRequest)
    case lease(PGLeaseRequest)
    case leased(PGSlotToken, [PGRequest])
    case copy(PGSlotToken, PGCopyRequest)
    case release(PGSlotToken)
    case cancel(id: Int)
    case resolved(PGSlotToken, [PGHostAddress])
    case cancelSent(PGSlotToken)
    case shutDown
}

struct PGHostAddress: Sendable {
    let host: String
    let address: String
    let port: String
}

/// The work to be done once the core's lock is released.
struct PGCoreTurn {
    /// Calls whose callers are to be resumed.
    var settled: [PGRequest] = []
    var outputs: [PGCoreOutput] = []
}

enum PGCoreOutput: Sendable {
    case granted(PGLeaseRequest, Result<PGSlotToken, PGError>)
    case copied(PGCopyRequest, Result<Int, PGError>)
    case observed(PGObservation)
    case notified(PGNotificationSink, [PGNotification])
    case silenced(PGNotificationSink, PGSlotToken)
    case resolve(PGSlotToken)
    case sendCancel(PGSlotToken, PGCancelHandle)
    case wake
}
