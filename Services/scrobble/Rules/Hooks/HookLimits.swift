/// Every bound of the media server hooks; counts end in `Max`.
package enum HookLimits {
    /// The number of hooks per person.
    package static let hooksMax = 20
    /// The size of a payload without pictures, in bytes: 256 KiB.
    package static let payloadBytesMax = 262_144
    /// The number of deliveries a hook keeps and shows, not counting those of unassigned accounts.
    package static let deliveriesMax = 50
    /// The number of deliveries kept for unassigned accounts; beyond this, the oldest are dropped.
    package static let quarantinedMax = 500
    /// The number of accounts per hook.
    package static let accountsMax = 100
    /// The number of episodes in one file.
    package static let episodesMax = 20
    /// How long a delivery that carries a time is recognized when it is repeated.
    package static let fingerprintsFor = Duration.seconds(30 * 86_400)
    /// How long an event without a time counts as a repetition; after that, the server may mean it again.
    package static let repetitionWindow = Duration.seconds(15)
    /// How long an event without a time that ends or marks something counts as a repetition: at least this long, and at
    /// most twice as long.
    package static let endingRepetitionWindow = Duration.seconds(300)
    /// How long the previous secret stays valid after a rotation, by default and at most.
    package static let overlapDefault = Duration.seconds(86_400)
    package static let overlapMax = Duration.seconds(7 * 86_400)
    /// Events older than this go into the history instead of what is being watched now.
    package static let liveFor = Duration.seconds(300)
    /// How far ahead a server's clock may be.
    package static let aheadMax = Duration.seconds(300)

    /// The number of hooks that one copy of the service works on at a time.
    package static let workedMax = 8
    /// The number of deliveries taken by one claim.
    package static let claimMax = 20
    /// How long a copy may hold a hook.
    package static let lease = Duration.seconds(30)
    /// How often deliveries are looked for without a notification.
    package static let poll = Duration.seconds(1)
    /// The timeout of one query to metadata.
    package static let resolveTimeout = Duration.seconds(10)
    /// A delivery whose titles cannot be looked up is given up after this many tries, but not before `retryFor` has
    /// passed; the waits double from `retryMin` to `retryMax`.
    package static let triesMax = 30
    package static let retryFor = Duration.seconds(86_400)
    package static let retryMin = Duration.seconds(5)
    package static let retryMax = Duration.seconds(3_600)
    /// The number of tries, about two and a half minutes, for which later deliveries wait behind a failing one; after
    /// that, the delivery itself may be at fault.
    package static let passedOverFrom = 5
    /// The number of passed-over deliveries that are retried before the next one.
    package static let passedOverMax = 10
    /// The number of fingerprints deleted by one statement.
    package static let sweepMax = 5_000
}
