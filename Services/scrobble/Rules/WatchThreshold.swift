/// How far a person must get for a sitting to count as a play.
package struct WatchThreshold: Sendable, Hashable {
    /// In percent of the title's length, 1 to 100.
    package let percent: Double

    /// 80 %, Trakt's threshold for a scrobble.
    package static let standard = WatchThreshold(percent: 80)

    package init(percent: Double) { self.percent = percent }

    /// Whether a sitting that stopped at `progressPercent` (0 to 100) is a play.
    package func isPlay(progressPercent: Double) -> Bool { progressPercent >= percent }
}
