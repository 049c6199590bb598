/// Whether a provider is asked now, given how recent calls ended; the same for all replicas.
package struct ProviderStanding: Sendable, Hashable {
    package enum State: String, Sendable, Hashable, CaseIterable {
        case serving, resting, quota
        case keyRejected = "key_rejected"
    }

    /// Failures since the last answer.
    package var failures = 0
    package var state = State.serving
    /// Milliseconds since 1970; the provider is not asked before then.
    package var untilMilliseconds: Int64?
    package var reason: String?

    package init() {}

    package init(failures: Int, state: State, untilMilliseconds: Int64?, reason: String?) {
        self.failures = failures
        self.state = state
        self.untilMilliseconds = untilMilliseconds
        self.reason = reason
    }

    /// The number of consecutive failures after which a provider is left alone.
    static let failuresMax = 5
    private static let restFirst: Int64 = 30_000
    /// The longest rest, in milliseconds.
    private static let restMax: Int64 = 900_000
    private static let keyRest: Int64 = 3_600_000
    private static let quotaRest: Int64 = 3_600_000

    package func isOpen(at now: Int64) -> Bool {
        guard state != .serving, let untilMilliseconds else { return true }
        return now >= untilMilliseconds
    }

    /// Whether the provider was left alone and has not answered since: one call at a time is enough to find out.
    package var isOnTrial: Bool { failures >= Self.failuresMax }

    /// Returns the standing after an answer.
    package func answered() -> ProviderStanding { ProviderStanding() }

    /// Returns the standing after a failure; nil if the failure says nothing about the provider as a whole. `rest` is
    /// how long the provider is left alone if it refused the call without saying for how long.
    package func failed(_ error: ProviderError, at now: Int64, rest: Int64) -> ProviderStanding? {
        switch error {
        case .notFound, .busy, .reserved, .resting: return nil
        case .unauthorized:
            return ProviderStanding(
                failures: failures + 1, state: .keyRejected, untilMilliseconds: now + Self.keyRest,
                reason: "The provider does not accept the key.")
        case .quota(let until):
            let until = until.map { max($0, now + 1_000) } ?? now + max(rest, Self.quotaRest)
            return ProviderStanding(
                failures: failures, state: .quota, untilMilliseconds: until,
                reason: "The allowance of the provider is used up.")
        case .rateLimited(let wait):
            let milliseconds = wait.map { Int64($0 / .milliseconds(1)) } ?? rest
            return ProviderStanding(
                failures: failures, state: .quota, untilMilliseconds: now + max(1_000, milliseconds),
                reason: "The provider was called too often.")
        case .unavailable, .timeout, .malformed:
            let count = failures + 1
            guard count >= Self.failuresMax else {
                return ProviderStanding(failures: count, state: .serving, untilMilliseconds: nil, reason: nil)
            }
            let pause = min(Self.restFirst << Int64(min(count - Self.failuresMax, 5)), Self.restMax)
            return ProviderStanding(
                failures: count, state: .resting, untilMilliseconds: now + pause,
                reason: "It failed \(count) times in a row.")
        }
    }

    /// Whether what another replica wrote says more than what is known here: a longer rest, or that it is over.
    func isNewer(than known: ProviderStanding) -> Bool {
        if state == .serving, known.state == .serving { return failures > known.failures || failures == 0 }
        return (untilMilliseconds ?? 0) >= (known.untilMilliseconds ?? 0) || state == .serving
    }
}
