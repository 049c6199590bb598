/// Calls `body` every few milliseconds until it returns true; returns false if `limit` passes first.
package func eventually(
    within limit: Duration = .seconds(30), _ body: () async throws -> Bool
) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await body() { return true }
        try await Task.sleep(for: .milliseconds(2))
    }
    return false
}
