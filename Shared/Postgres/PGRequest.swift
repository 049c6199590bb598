internal import Synchronization

/// One call of one statement on its way; immutable, so that tasks and the loop may share it.
final class PGRequest: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Who waits for the result.
    enum Completion: Sendable {
        /// Nobody, as for the BEGIN that travels before a statement.
        case unobserved
        case alone(CheckedContinuation<Result<PGResult, PGError>, Never>)
        case member(PGResultCollector, place: Int)
    }

    let id: Int
    let text: PGStatementText
    let parameters: PGParameters
    let preparedKey: UInt64
    let submitted: Instant
    let deadline: Instant
    /// Where the connection breaks unanswered, the statement may have been applied.
    let lossIsUnknown: Bool
    let completion: Completion

    init(
        id: Int, text: PGStatementText, parameters: PGParameters, submitted: Instant, deadline: Instant,
        lossIsUnknown: Bool, completion: Completion
    ) {
        self.id = id
        self.text = text
        self.parameters = parameters
        self.preparedKey = text.hash ^ (parameters.typesHash &* 0x9e37_79b9_7f4a_7c15)
        self.submitted = submitted
        self.deadline = deadline
        self.lossIsUnknown = lossIsUnknown
        self.completion = completion
    }

    func finish(_ result: Result<PGResult, PGError>) {
        switch completion {
        case .unobserved: return
        case .alone(let continuation): continuation.resume(returning: result)
        case .member(let collector, let place): collector.finish(place, result)
        }
    }
}

/// Waits for several statements that were sent together; the first error is the outcome of all.
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

    func finish(_ place: Int, _ result: Result<PGResult, PGError>) {
        let end: (Continuation, Result<[PGResult], PGError>)? = state.withLock { state in
            switch result {
            case .success(let value): state.results[place] = value
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

/// A slot and which of its successive connections is meant.
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

/// A call that wants a connection for itself; with a `sink` one outside the pool, for LISTEN.
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

/// One step outside pipeline mode on a leased connection: of a COPY, or a script of several statements.
final class PGCopyRequest: Sendable {
    enum Step: Sendable {
        case start(sql: String)
        /// Statements without parameters, separated by semicolons (simple query protocol).
        case script(sql: String)
        case data([UInt8])
        /// With a complaint Postgres undoes the COPY.
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

/// What tasks and helper threads ask of the core.
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

/// What is to be done once the core's lock is released.
enum PGCoreOutput: Sendable {
    case complete(PGRequest, Result<PGResult, PGError>)
    case granted(PGLeaseRequest, Result<PGSlotToken, PGError>)
    case copied(PGCopyRequest, Result<Int, PGError>)
    case observed(PGObservation)
    case notified(PGNotificationSink, [PGNotification])
    case silenced(PGNotificationSink, PGSlotToken)
    case resolve(PGSlotToken)
    case sendCancel(PGSlotToken, PGCancelHandle)
    case wake
}
