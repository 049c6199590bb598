internal import Contracts
internal import RPC

/// Runs `work` until `deadline`, or until `gone` says that nobody waits for its answer; then it is cancelled and waited
/// for, and its answer no longer counts.
func within<Answer: Sendable>(
    _ deadline: ContinuousClock.Instant, orUntil gone: AsyncStream<Void>? = nil,
    _ work: @escaping @Sendable () async -> Answer
) async throws(RPCError) -> Answer {
    let outcome = await withTaskGroup(of: Outcome<Answer>.self) { group in
        group.addTask { .answered(await work()) }
        group.addTask {
            try? await Task.sleep(until: deadline, clock: .continuous)
            return .tooLate
        }
        if let gone {
            group.addTask {
                for await _ in gone { return .withdrawn }
                return .undisturbed
            }
        }
        var first = await group.next() ?? .tooLate
        if case .undisturbed = first { first = await group.next() ?? .tooLate }
        group.cancelAll()
        return first
    }
    if case .answered(let answer) = outcome { return answer }
    if case .tooLate = outcome, !Task.isCancelled { throw .deadlineExceeded("the answer was not ready in time") }
    throw .cancelled("the caller withdrew the call")
}

/// How a race between work, clock and client ended.
private enum Outcome<Answer: Sendable>: Sendable {
    case answered(Answer)
    case tooLate
    case withdrawn
    /// The client's connection will tell nothing.
    case undisturbed
}
