/// One emulated service: routes and payloads in its own folder, its state behind its own lock.
package protocol EmulatedProvider: Sendable {
    var name: UpstreamName { get }

    /// Answers like the original.
    func answer(_ request: UpstreamRequest) async -> UpstreamResponse

    /// What the original says when the caller asked too fast.
    func rateLimited() -> UpstreamResponse

    /// What the original says when the day's allowance is used up.
    func quotaUsedUp() -> UpstreamResponse

    /// What the original says with this status when something broke inside.
    func failure(status: Int) -> UpstreamResponse

    /// Forgets everything that callers changed.
    func reset()
}
