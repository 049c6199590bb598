/// Every bound of the queue; times are `Duration`, counts end in `Max`.
package struct QueueLimits: Sendable, Hashable {
    /// How long a worker may hold a lane without a sign of life, by the database's clock.
    package var lease = Duration.seconds(60)
    /// Leases of lanes under way are renewed this often.
    package var heartbeat = Duration.seconds(20)
    /// The longest that one call to a provider may take, from connecting to the last byte.
    package var callTimeout = Duration.seconds(25)
    /// A write begins only while this much of the lease is left, by the worker's own clock.
    package var leaseLeftMin = Duration.seconds(30)
    /// Lanes that one process works at a time.
    package var lanesMax = 128
    /// Lanes taken by one claim.
    package var claimMax = 64
    /// Of these, lanes with bulk work only; the rest is kept for live work.
    package var bulkLanesMax = 96
    /// Jobs that travel in one call.
    package var joinedMax = 100
    /// Settlements written by one statement.
    package var settleMax = 128
    /// How often the queue is looked at where nobody rings, with jitter of a quarter either way.
    package var poll = Duration.seconds(1)
    /// At most one NOTIFY of this process in this time.
    package var notifyInterval = Duration.milliseconds(50)
    /// The least time between two turns of a lane's bulk work, so that those who wait beside it find room.
    package var bulkRest = Duration.milliseconds(10)
    /// How far behind the last claimed lane a claim looks, for rows that were committed late. Beside an old snapshot each claim
    /// passes the dead rows of so long; what was committed later than that is found from the start.
    package var claimSlack = Duration.milliseconds(300)
    /// How often a claim looks at all due lanes, however old.
    package var claimFromStart = Duration.seconds(10)
    /// First wait after a failure; doubles up to `backoffMax`, with jitter of half.
    package var backoffMin = Duration.seconds(5)
    package var backoffMax = Duration.seconds(6 * 3_600)
    /// A job that could not be delivered for this long is given up.
    package var horizon = Duration.seconds(30 * 86_400)
    /// From sending to the first and to the second look whether an unanswered write arrived.
    package var firstLook = Duration.seconds(60)
    package var secondLook = Duration.seconds(120)
    /// Claims of one job that ended with the worker's death before the job is given up.
    package var unsettledMax = 5
    /// From so many on a job is worked alone, after this pause where another one is, and waits for so long for the rest to end.
    package var suspectFrom = 3
    package var suspectPause = Duration.milliseconds(200)
    package var suspectPatience = Duration.seconds(2)
    /// A job that the other side breaks on is given up after this many sends, but not before this time has passed.
    package var brokenMax = 4
    package var brokenFor = Duration.seconds(3_600)
    /// What somebody watches now is told as such for this long; afterwards it goes into the history or is dropped.
    package var liveFor = Duration.seconds(300)
    /// That a check-in was taken back is told for as long as the longest lasts: until then the other side would count it.
    package var checkOutFor = Duration.seconds(12 * 3_600)
    /// How long outcomes of delivered and cancelled jobs are kept.
    package var outcomesFor = Duration.seconds(30 * 86_400)
    /// Outcomes removed by one statement.
    package var sweepMax = 5_000

    package init() {}
}
