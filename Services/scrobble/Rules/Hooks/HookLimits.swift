/// Every bound of the hooks of media servers; counts end in `Max`.
package enum HookLimits {
    /// Hooks of a person.
    package static let hooksMax = 20
    /// Bytes of what a server tells, pictures aside: 256 KiB.
    package static let payloadBytesMax = 262_144
    /// Deliveries that a hook keeps and shows; those of accounts that nobody has assigned are kept beside them.
    package static let deliveriesMax = 50
    /// Deliveries of accounts that nobody has assigned; beyond, the oldest are dropped.
    package static let quarantinedMax = 500
    /// Accounts of a hook.
    package static let accountsMax = 100
    /// Episodes in one file.
    package static let episodesMax = 20
    /// A delivery with a time of its own is known as a repetition for this long.
    package static let fingerprintsFor = Duration.seconds(30 * 86_400)
    /// A server that gives its words no time may say the same again after this long, and mean it.
    package static let repetitionWindow = Duration.seconds(15)
    /// A word without a time that ends something, or marks, is a repetition for this long at the least, and twice that at the most.
    package static let endingRepetitionWindow = Duration.seconds(300)
    /// How long the secret before counts after a change, unless told otherwise, and at most.
    package static let overlapDefault = Duration.seconds(86_400)
    package static let overlapMax = Duration.seconds(7 * 86_400)
    /// What happened longer ago goes into the history, not into what is watched now.
    package static let liveFor = Duration.seconds(300)
    /// A server's clock may be ahead by this much.
    package static let aheadMax = Duration.seconds(300)

    /// Hooks that one copy of the service works at a time.
    package static let workedMax = 8
    /// Deliveries taken by one claim.
    package static let claimMax = 20
    /// How long a copy may hold a hook.
    package static let lease = Duration.seconds(30)
    /// How often deliveries are looked for where nobody rings.
    package static let poll = Duration.seconds(1)
    /// The longest that metadata may take for one question.
    package static let resolveTimeout = Duration.seconds(10)
    /// A delivery for which titles cannot be looked for is given up after so many tries, and no sooner than after `retryFor`; the
    /// waits double from `retryMin` to `retryMax`.
    package static let triesMax = 30
    package static let retryFor = Duration.seconds(86_400)
    package static let retryMin = Duration.seconds(5)
    package static let retryMax = Duration.seconds(3_600)
    /// What comes after a delivery waits for it until it has been tried this often, two and a half minutes; then it may be at fault itself.
    package static let passedOverFrom = 5
    /// Deliveries that were passed over and are tried again before the next one.
    package static let passedOverMax = 10
    /// Fingerprints removed by one statement.
    package static let sweepMax = 5_000
}
