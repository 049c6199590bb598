import RPC

/// Makes two calls concurrently and waits for both. The second runs in the caller's task, to save another one.
func together<First: Sendable, Second: Sendable>(
    _ first: @escaping @Sendable () async throws(RPCError) -> First,
    _ second: @escaping @Sendable () async throws(RPCError) -> Second
) async -> (Result<First, RPCError>, Result<Second, RPCError>) {
    async let one = outcome(of: first)
    let other = await outcome(of: second)
    return (await one, other)
}

/// Returns the result of a call, to be examined later.
func outcome<Answer: Sendable>(
    of call: @Sendable () async throws(RPCError) -> Answer
) async -> Result<Answer, RPCError> {
    do {
        return .success(try await call())
    } catch {
        return .failure(error)
    }
}
