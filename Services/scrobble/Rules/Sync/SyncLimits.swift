/// Every bound of a sync.
package struct SyncLimits: Sendable, Hashable {
    /// How long a worker may hold a run without a sign of life.
    package var lease = Duration.seconds(90)
    /// How often due runs are looked for, with jitter of a quarter either way.
    package var poll = Duration.seconds(2)
    /// Runs that one process works at a time.
    package var runsMax = 4
    /// Changes of ours that are made by one call.
    package var oursMax = 500
    /// Changes of theirs that are queued by one statement.
    package var theirsMax = 1_000
    /// How long a reading over there may lag behind a write of ours.
    package var lag = Duration.seconds(300)
    /// What was watched within this time and came within the lag may have gone to the other side by another road.
    package var watchedLately = Duration.seconds(86_400)
    /// How far the two clocks may be apart after their difference was measured.
    package var clockDoubt = Duration.seconds(2)
    /// Everything is read at least this often, for what is dated back and what is removed.
    package var wholeEvery = Duration.seconds(86_400)
    /// How often a connection is asked by itself whether something has happened there, and no sooner than that.
    package var pollEvery = Duration.seconds(1_800)
    /// For so long after somebody did something here.
    package var activeFor = Duration.seconds(14 * 86_400)
    /// Connections that are found due at a time, and how often they are looked for.
    package var pollMax = 20
    package var pollPause = Duration.seconds(60)
    /// Titles that are asked of metadata by one call.
    package var resolveMax = 500
    /// Reads of one account in any five minutes; Trakt allows 500.
    package var readsMax = 450
    /// Reads beyond that which are kept for the queue, so that no long sync holds up what somebody watches.
    package var readsReserve = 40
    /// How long a removal that was held back must have lasted before a confirmation counts.
    package var confirmAfter = Duration.seconds(60)
    /// The wait before a run is tried again that could not be read.
    package var retryAfter = Duration.seconds(60)

    package init() {}
}
