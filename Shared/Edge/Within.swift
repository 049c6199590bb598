internal import Contracts
internal import HTTP2
internal import NIOCore
internal import RPC
internal import Synchronization

/// What ends an operation before its answer: its deadline, and its client's departure. Whichever comes first cancels it.
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

    /// From now on the operation can be cancelled; at once, where its end has come already and it goes on.
    fileprivate func begin(_ cancel: @escaping @Sendable () -> Void) {
        let hasEnded = state.withLock { state in
            guard !state.isOver else { return false }
            state.cancel = cancel
            return state.cause != nil
        }
        if hasEnded { cancel() }
    }

    /// The operation is over and is held no longer. Throws what its answer no longer counts for.
    fileprivate func finish() throws(RPCError) {
        let cause = state.withLock { state in
            state.cancel = nil
            state.isOver = true
            return state.cause
        }
        switch cause {
        case nil: return
        case .deadline: throw .deadlineExceeded("the answer was not ready in time")
        case .departure: throw .cancelled("the caller withdrew the call")
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

/// Runs `work` in a task of its own, which `end` cancels as long as the operation in it lasts, and which is cancelled with the
/// task that waits for it.
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

/// Runs `work`, an operation, until `deadline`, or until `end` hears that nobody waits for its answer; then the task is
/// cancelled, the operation is waited for, and its answer no longer counts. In a task that `end` can cancel: one for the
/// operation alone would cost as much again.
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

/// Runs what holds a thread up for longer than a loop may stand still in the pool of threads that all tasks share.
package func besideLoops<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value {
    // A task of its own has no preference. To prefer the pool is no way out of the loop: the work would go on where it is.
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

/// The executor of each loop, for the tasks of its connections: what a request waits for comes back on the loop that its
/// answer leaves by, without a change of thread.
struct LoopExecutors: Sendable {
    private let executors: [ObjectIdentifier: LoopExecutor]

    init(_ group: any EventLoopGroup) {
        executors = Dictionary(
            uniqueKeysWithValues: group.makeIterator().map {
                (ObjectIdentifier($0), LoopExecutor($0))
            })
    }

    /// Of a loop that is none of the group's, one of its own.
    subscript(loop: any EventLoop) -> LoopExecutor {
        executors[ObjectIdentifier(loop)] ?? LoopExecutor(loop)
    }
}
