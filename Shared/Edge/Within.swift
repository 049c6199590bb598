internal import Contracts
internal import RPC

/// Runs `work` until `deadline`; then it is cancelled and waited for, and its answer no longer counts.
func within<Answer: Sendable>(
    _ deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () async -> Answer
) async throws(RPCError) -> Answer {
    let answer = await withTaskGroup(of: Answer?.self) { group in
        group.addTask { await work() }
        group.addTask {
            try? await Task.sleep(until: deadline, clock: .continuous)
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        return first
    }
    guard let answer else {
        throw Task.isCancelled
            ? .cancelled("the caller withdrew the call") : .deadlineExceeded("the answer was not ready in time")
    }
    return answer
}
