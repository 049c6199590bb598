/// A rate limit: `burst` events at once, then `perSecond` events per second.
package struct H2Rate: Sendable, Hashable {
    /// The events allowed at once; at least 0.
    package var burst: Int
    /// The events allowed again per second; at least 0.
    package var perSecond: Int

    package init(burst: Int, perSecond: Int) {
        self.burst = burst
        self.perSecond = perSecond
    }
}

/// Counts events against an `H2Rate`. Holds no clock: callers pass the time.
package struct TokenBucket: Sendable {
    private let rate: H2Rate
    private var tokens: Double
    private var countedAt: ContinuousClock.Instant

    package init(_ rate: H2Rate, now: ContinuousClock.Instant) {
        self.rate = rate
        tokens = Double(rate.burst)
        countedAt = now
    }

    /// Takes one token; returns false if none is left, which is the moment to react to the flood.
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
