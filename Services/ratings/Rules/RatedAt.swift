package import Contracts

/// Which dates a rating may carry.
package enum RatedAt {
    /// How far ahead of our clock a date may lie: other people's clocks are not exact.
    package static let aheadMax = Duration.seconds(300)

    /// The date to store for a rating that arrived at `now`, or nil where `given` lies too far ahead.
    package static func accepted(_ given: Timestamp?, now: Timestamp) -> Timestamp? {
        guard let given else { return now }
        return now.duration(to: given) > aheadMax ? nil : given
    }
}
