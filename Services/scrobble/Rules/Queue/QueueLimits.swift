/// Every bound of the queue; times are `Duration`, counts end in `Max`.
package struct QueueLimits: Sendable, Hashable {
    /// How long a worker may hold a lane without renewing its lease, by the database's clock.
    package var lease = Duration.seconds(60)
    /// How often the leases of active lanes are renewed.
    package var heartbeat = Duration.seconds(20)
    /// The timeout of one call to a provider, from connecting to the last byte.
    package var callTimeout = Duration.seconds(25)
    /// The part of the lease that must be left, by the worker's own clock, for a write to begin.
    package var leaseLeftMin = Duration.seconds(30)
    /// The number of lanes that one process works on at a time.
    package var lanesMax = 128
    /// The number of lanes taken by one claim.
    package var claimMax = 64
    /// The number of those that may have bulk work only; the rest is reserved for live work.
    package var bulkLanesMax = 96
    /// The number of jobs sent in one call.
    package var joinedMax = 100
    /// The number of settlements written by one statement.
    package var settleMax = 128
    /// How often the queue is checked without a notification, with a jitter of ±25 %.
    package var poll = Duration.seconds(1)
    /// The minimum time between two NOTIFYs of this process.
    package var notifyInterval = Duration.milliseconds(50)
    /// The minimum time between two turns of a lane's bulk work, to leave room for others that wait.
    package var bulkRest = Duration.milliseconds(10)
    /// How far behind the last claimed lane a claim looks, for rows that were committed late. While an old snapshot is
    /// open, each claim scans the dead rows of this span; rows committed even later are found from the start.
    package var claimSlack = Duration.milliseconds(300)
    /// How often a claim looks at all due lanes, however old.
    package var claimFromStart = Duration.seconds(10)
    /// The first wait after a failure; doubles up to `backoffMax`, with a jitter of up to half.
    package var backoffMin = Duration.seconds(5)
    package var backoffMax = Duration.seconds(6 * 3_600)
    /// How long a job may go undelivered before it is given up.
    package var horizon = Duration.seconds(30 * 86_400)
    /// The time from sending an unanswered write to the first and to the second look for it.
    package var firstLook = Duration.seconds(60)
    package var secondLook = Duration.seconds(120)
    /// The number of claims of a job that may end with the worker's death before the job is given up.
    package var unsettledMax = 5
    /// The number of those from which on a job is worked on alone, the pause if another one is, and how long it waits
    /// for other work to end.
    package var suspectFrom = 3
    package var suspectPause = Duration.milliseconds(200)
    package var suspectPatience = Duration.seconds(2)
    /// A job that breaks the other side is given up after this many sends, but not before this time has passed.
    package var brokenMax = 4
    package var brokenFor = Duration.seconds(3_600)
    /// How long what is being watched now is sent as such; after that, it goes into the history or is dropped.
    package var liveFor = Duration.seconds(300)
    /// How long a withdrawn check-in is sent: as long as the longest one lasts, because the other side would count it
    /// until then.
    package var checkOutFor = Duration.seconds(12 * 3_600)
    /// How long outcomes of delivered and cancelled jobs are kept.
    package var outcomesFor = Duration.seconds(30 * 86_400)
    /// The number of outcomes deleted by one statement.
    package var sweepMax = 5_000

    package init() {}
}
