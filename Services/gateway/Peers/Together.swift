import RPC

/// Makes two calls at once and waits for both. The second is made by who asks: a task for each would cost one more.
func together<First: Sendable, Second: Sendable>(
    _ first: @escaping @Sendable () async throws(RPCError) -> First,
    _ second: @escaping @Sendable () async throws(RPCError) -> Second
) async -> (Result<First, RPCError>, Result<Second, RPCError>) {
    async let one = outcome(of: first)
    let other = await outcome(of: second)
    return (await one, other)
}

/// What came of a call, for those that are looked at later.
func outcome<Answer: Sendable>(
    of call: @Sendable () async throws(RPCError) -> Answer
) async -> Result<Answer, RPCError> {
    do {
        return .success(try await call())
    } catch {
        return .failure(error)
    }
}
