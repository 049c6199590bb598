/// How often something may happen: `burst` times at once, then `perSecond` times a second.
package struct H2Rate: Sendable, Hashable {
    /// How many may come at once; at least 0.
    package var burst: Int
    /// How many are allowed again each second; at least 0.
    package var perSecond: Int

    package init(burst: Int, perSecond: Int) {
        self.burst = burst
        self.perSecond = perSecond
    }
}

/// Counts events against an `H2Rate`; holds no clock, every call says what time it is.
package struct TokenBucket: Sendable {
    private let rate: H2Rate
    private var tokens: Double
    private var countedAt: ContinuousClock.Instant

    package init(_ rate: H2Rate, now: ContinuousClock.Instant) {
        self.rate = rate
        tokens = Double(rate.burst)
        countedAt = now
    }

    /// Takes one token; false when none is left, which is the moment to answer the flood.
    package mutating func take(now: ContinuousClock.Instant) -> Bool {
        if now > countedAt {
            tokens = min(Double(rate.burst), tokens + (now - countedAt) / .seconds(1) * Double(rate.perSecond))
            countedAt = now
        }
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
