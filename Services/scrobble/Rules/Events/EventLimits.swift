/// Every bound of the events feed; counts end in `Max`.
package enum EventLimits {
    /// How long events are kept.
    package static let keptFor = Duration.seconds(86_400)
    /// The number of events in one response.
    package static let pageMax = 500
    /// How often waiting callers look for events without being notified.
    package static let poll = Duration.milliseconds(500)
    /// The part of a waiting caller's time that is reserved for the response.
    package static let answerMargin = Duration.seconds(1)
    /// The number of events deleted by one statement.
    package static let sweepMax = 5_000
    /// How often old events are deleted.
    package static let sweepInterval = Duration.seconds(60)
}
