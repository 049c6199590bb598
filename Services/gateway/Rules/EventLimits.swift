/// Every bound of the event streams; counts end in `Max`.
package struct EventLimits: Sendable {
    /// Streams of one copy of the gateway, and of one person there.
    package var listenersMax = 12_000
    package var listenersOfPersonMax = 20
    /// Events that wait for one listener; beyond, it reads too slowly.
    package var bufferedMax = 128
    /// A comment goes out when nothing else did for this long; also how often the credentials are looked at.
    package var heartbeat = Duration.seconds(15)
    /// How often it is looked who has waited long enough for that.
    package var tick = Duration.milliseconds(500)
    /// Credentials that are looked at with one question.
    package var credentialsMax = 1_000
    /// How long a stream lasts.
    package var streamMax = Duration.seconds(900)
    /// How long one question for events waits, and what it may take beyond that.
    package var wait = Duration.seconds(20)
    package var waitMargin = Duration.seconds(5)
    /// Between questions that failed: doubling up to the second.
    package var retryMin = Duration.milliseconds(100)
    package var retryMax = Duration.seconds(2)

    /// How long who comes before scrobble has answered once is kept waiting, and how often it is looked whether it has.
    package var openMax = Duration.seconds(5)
    package var openPoll = Duration.milliseconds(50)

    package init() {}
}
