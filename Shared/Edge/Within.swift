internal import Contracts
internal import HTTP2
internal import NIOCore
internal import RPC
internal import Synchronization

/// Ends an operation before its answer: at its deadline, or when its client leaves. Whichever comes first cancels it.
final class OperationEnd: DeadlineTarget {
    private enum Cause {
        case deadline
        case departure
    }

    private struct State {
        var cause: Cause?
        var cancel: (@Sendable () -> Void)?
        var isOver = false
    }

    private let state = Mutex(State())

    func deadlinePassed() { end(.deadline) }

    func clientLeft() { end(.departure) }

    /// Makes the operation cancellable; cancels it at once if its end has come already and it is not over.
    fileprivate func begin(_ cancel: @escaping @Sendable () -> Void) {
        let hasEnded = state.withLock { state in
            guard !state.isOver else { return false }
            state.cancel = cancel
            return state.cause != nil
        }
        if hasEnded { cancel() }
    }

    /// Marks the operation as over, and releases it. Throws if it was ended first, so that its answer no longer counts.
    fileprivate func finish() throws(RPCError) {
        let cause = state.withLock { state in
            state.cancel = nil
            state.isOver = true
            return state.cause
        }
        switch cause {
        case nil: return
        case .deadline: throw .deadlineExceeded("the answer was not ready in time")
        case .departure: throw .cancelled("the caller cancelled the call")
        }
    }

    private func end(_ cause: Cause) {
        let cancel = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.cause == nil else { return nil }
            state.cause = cause
            return state.cancel
        }
        cancel?()
    }
}

/// Runs `work` in a task of its own. `end` can cancel it while the operation in it lasts, and cancelling the
/// waiting task cancels it too.
func inOwnTask<Answer: Sendable>(
    endedBy end: OperationEnd, on executor: LoopExecutor, _ work: @escaping @Sendable () async -> Answer
) async -> Answer {
    let task = Task.immediate(executorPreference: executor) { await work() }
    end.begin { task.cancel() }
    return await withTaskCancellationHandler {
        await task.value
    } onCancel: {
        end.clientLeft()
        task.cancel()
    }
}

/// Runs `work`, an operation, until `deadline`, or until `end` hears that the client has left. The task is cancelled
/// then, the operation is awaited, and its answer no longer counts. Must run in a task that `end` can cancel: another
/// one for the operation alone would double the cost.
func within<Answer>(
    _ deadline: ContinuousClock.Instant, orUntil end: OperationEnd, _ sweeper: DeadlineSweeper,
    _ work: () async -> Answer
) async throws(RPCError) -> Answer {
    let key = sweeper.arm(end, at: deadline)
    let answer = await work()
    sweeper.disarm(key)
    try end.finish()
    return answer
}

/// Runs work that would block an event loop for too long in the global thread pool.
package func besideLoops<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    // An unstructured task has no executor preference. Preferring the global executor would not leave the loop: the
    // work would go on where it is.
    let task = Task { () async -> Result<Value, Failure> in
        do throws(Failure) {
            return .success(try await work())
        } catch {
            return .failure(error)
        }
    }
    let outcome = await withTaskCancellationHandler {
        await task.value
    } onCancel: {
        task.cancel()
    }
    return try outcome.get()
}

/// The executor of each loop, for the tasks of its connections: a request resumes on the loop that sends its answer,
/// without a thread switch.
struct LoopExecutors: Sendable {
    private let executors: [ObjectIdentifier: LoopExecutor]

    init(_ group: any EventLoopGroup) {
        executors = Dictionary(
            uniqueKeysWithValues: group.makeIterator().map {
                (ObjectIdentifier($0), LoopExecutor($0))
            })
    }

    /// Returns a new executor for a loop outside the group.
    subscript(loop: any EventLoop) -> LoopExecutor {
        executors[ObjectIdentifier(loop)] ?? LoopExecutor(loop)
    }
}
