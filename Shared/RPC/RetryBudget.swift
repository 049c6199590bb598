/// How many retries the calls so far have earned: a token bucket without a clock.
///
/// Each call earns `percent` hundredths of a retry, up to `burst` retries; each retry spends one. Over any time the
/// calls that are sent are at most (1 + percent/100) × calls + burst.
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

    /// A first try was made.
    mutating func earn() { hundredths = min(burst * 100, hundredths + percent) }

    /// Takes one retry out; false where none is left.
    mutating func spend() -> Bool {
        guard hundredths >= 100 else { return false }
        hundredths -= 100
        return true
    }
}
