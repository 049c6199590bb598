/// The retries that previous calls have earned: a token bucket without a clock.
///
/// Each call earns `percent` hundredths of a retry, up to `burst` retries; each retry spends one. Over any period at
/// most (1 + percent/100) × calls + burst attempts are sent.
struct RetryBudget: Sendable {
    private let burst: Int
    private let percent: Int
    /// Hundredths of a retry.
    private(set) var hundredths: Int

    init(burst: Int, percent: Int) {
        self.burst = max(0, burst)
        self.percent = max(0, percent)
        hundredths = self.burst * 100
    }

    /// Accounts for a first attempt.
    mutating func earn() { hundredths = min(burst * 100, hundredths + percent) }

    /// Spends one retry; returns false if none is left.
    mutating func spend() -> Bool {
        guard hundredths >= 100 else { return false }
        hundredths -= 100
        return true
    }
}
