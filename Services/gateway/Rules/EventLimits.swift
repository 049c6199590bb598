/// Limits of the event streams; counts end in `Max`.
package struct EventLimits: Sendable {
    /// The maximum number of streams per copy of the gateway, and per person there.
    package var listenersMax = 12_000
    package var listenersOfPersonMax = 20
    /// The maximum number of events that wait for one listener; with more, it reads too slowly.
    package var bufferedMax = 128
    /// The silence after which a comment is sent; also how often the credentials are checked.
    package var heartbeat = Duration.seconds(15)
    /// How often the listeners that have waited that long are looked for.
    package var tick = Duration.milliseconds(500)
    /// The maximum number of credentials per check.
    package var credentialsMax = 1_000
    /// The longest that a stream lasts.
    package var streamMax = Duration.seconds(900)
    /// How long one request for events waits, and how much longer it may take.
    package var wait = Duration.seconds(20)
    package var waitMargin = Duration.seconds(5)
    /// The pause between failed requests: doubling from the first to the second.
    package var retryMin = Duration.milliseconds(100)
    package var retryMax = Duration.seconds(2)

    /// How long a client that comes before scrobble's first answer waits for it, and how often that is checked.
    package var openMax = Duration.seconds(5)
    package var openPoll = Duration.milliseconds(50)

    package init() {}
}
