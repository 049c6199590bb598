/// One emulated service, with routes and payloads in its own folder and state behind its own lock.
package protocol EmulatedProvider: Sendable {
    var name: UpstreamName { get }

    /// Answers as the original does.
    func answer(_ request: UpstreamRequest) async -> UpstreamResponse

    /// The original's answer to a caller that exceeds the rate limit.
    func rateLimited() -> UpstreamResponse

    /// The original's answer when the daily quota is used up.
    func quotaUsedUp() -> UpstreamResponse

    /// The original's answer with this status after an internal failure.
    func failure(status: Int) -> UpstreamResponse

    /// Undoes every change made by callers.
    func reset()
}
