/// Returns what `fetch` returns, or throws `late` if that takes longer than `limit`; `fetch` is cancelled then. Covers a
/// whole answer, while the deadline of an HTTP client ends with the head of it.
package func within<Answer: Sendable>(
    _ limit: Duration, orThrow late: any Error, _ fetch: @escaping @Sendable () async throws -> Answer
) async throws -> Answer {
    try await withThrowingTaskGroup(of: Answer.self) { group in
        group.addTask { try await fetch() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw late
        }
        defer { group.cancelAll() }
        guard let answer = try await group.next() else { throw late }
        return answer
    }
}
