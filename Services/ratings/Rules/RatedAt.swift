package import Contracts

/// The dates that a rating may have.
package enum RatedAt {
    /// How far a date may be ahead of our clock: other clocks are inexact.
    package static let aheadMax = Duration.seconds(300)

    /// The date to store for a rating that arrived at `now`, or nil if `given` is too far ahead.
    package static func accepted(_ given: Timestamp?, now: Timestamp) -> Timestamp? {
        guard let given else { return now }
        return now.duration(to: given) > aheadMax ? nil : given
    }
}
