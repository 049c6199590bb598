import Synchronization

/// The current task, for cancelling it from elsewhere.
// SAFETY: `cancel` is among the operations of `UnsafeCurrentTask` that any thread may call while the task lives, and it
// is the only one used; `TaskDeadline` ensures that the task lives.
private struct RunningTask: @unchecked Sendable {
    private let task: UnsafeCurrentTask

    init?() {
        guard let task = withUnsafeCurrentTask(body: { $0 }) else { return nil }
        self.task = task
    }

    func cancel() { task.cancel() }
}

/// Cancels one running task when its deadline passes, without a child task.
///
/// Created and finished by the task itself, within one function that cannot throw, so that the task outlives it.
private final class TaskDeadline: DeadlineTarget {
    private let task = Mutex(RunningTask())

    func deadlinePassed() { task.withLock { $0?.cancel() } }

    /// Ends the effect of the deadline; waits for a cancellation in progress.
    func finish() { task.withLock { $0 = nil } }
}

extension DeadlineSweeper {
    /// Runs `body` in the current task and cancels that task when `deadline` passes.
    func withDeadline<Value>(_ deadline: ContinuousClock.Instant, _ body: () async -> Value) async -> Value {
        let target = TaskDeadline()
        let key = arm(target, at: deadline)
        let value = await body()
        disarm(key)
        target.finish()
        return value
    }
}
