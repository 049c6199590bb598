package import Contracts

/// Which dates a rating may carry.
package enum RatedAt {
    /// How far ahead of our clock a date may lie: other people's clocks are not exact.
    package static let aheadMaxMicroseconds: Int64 = 5 * 60 * 1_000_000

    /// The date to store for a rating that arrived at `now`, or nil where `given` lies too far ahead.
    package static func accepted(_ given: Timestamp?, now: Timestamp) -> Timestamp? {
        guard let given else { return now }
        return given.microseconds - now.microseconds > aheadMaxMicroseconds ? nil : given
    }
}
