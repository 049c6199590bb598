/// Every bound of a sync.
package struct SyncLimits: Sendable, Hashable {
    /// How long a worker may hold a run without renewing its lease.
    package var lease = Duration.seconds(90)
    /// How often due runs are looked for, with a jitter of ±25 %.
    package var poll = Duration.seconds(2)
    /// The number of runs that one process works on at a time.
    package var runsMax = 4
    /// The number of changes on our side made by one call.
    package var oursMax = 500
    /// The number of changes on their side queued by one statement.
    package var theirsMax = 1_000
    /// How long a reading there may lag behind a write of ours.
    package var lag = Duration.seconds(300)
    /// What was watched within this time and arrived within the lag may have been sent to the other side by another
    /// road.
    package var watchedLately = Duration.seconds(86_400)
    /// How far the two clocks may be apart after their difference was measured.
    package var clockDoubt = Duration.seconds(2)
    /// Everything is read at least this often, to find what was backdated or removed.
    package var wholeEvery = Duration.seconds(86_400)
    /// How often, at most, a connection is polled for activity there.
    package var pollEvery = Duration.seconds(1_800)
    /// How long a connection is polled after the person's last activity here.
    package var activeFor = Duration.seconds(14 * 86_400)
    /// The number of due connections found at a time, and how often they are looked for.
    package var pollMax = 20
    package var pollPause = Duration.seconds(60)
    /// The number of titles in one query to metadata.
    package var resolveMax = 500
    /// The number of reads of one account in any five minutes; Trakt allows 500.
    package var readsMax = 450
    /// The number of further reads that are reserved for the queue, so that a long sync does not delay what is being
    /// watched.
    package var readsReserve = 40
    /// How long a held removal must have lasted before a confirmation counts.
    package var confirmAfter = Duration.seconds(60)
    /// The wait before a run that could not be read is retried.
    package var retryAfter = Duration.seconds(60)

    package init() {}
}
