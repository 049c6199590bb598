/// Every bound of the events feed; counts end in `Max`.
package enum EventLimits {
    /// Events are kept for this long.
    package static let keptFor = Duration.seconds(86_400)
    /// Events of one answer.
    package static let pageMax = 500
    /// How often those who wait look where nobody rings.
    package static let poll = Duration.milliseconds(500)
    /// Kept back from the time of a caller who waits, for the answer.
    package static let answerMargin = Duration.seconds(1)
    /// Events removed by one statement.
    package static let sweepMax = 5_000
    /// How often what is old is removed.
    package static let sweepInterval = Duration.seconds(60)
}
