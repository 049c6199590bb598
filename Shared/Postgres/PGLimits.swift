/// Every bound of the Postgres client; counts end in `Max`, times are `Duration`.
package struct PGLimits: Sendable {
    /// Connections of one pool, LISTEN connections not counted. 2…100.
    package var connectionsMax = 8
    /// Connections kept open when idle.
    package var connectionsMin = 2
    /// Idle connections above `connectionsMin` are closed after this.
    package var idleClose: Duration = .seconds(60)
    /// Batches of reads in flight at once, each on a connection of its own.
    package var readLanesMax = 3
    /// Batches of grouped writes in flight at once, each on a connection of its own.
    package var writeLanesMax = 2
    /// A batch that runs longer than this no longer counts against the lanes, so that others overtake it.
    package var laneStall: Duration = .milliseconds(20)
    /// A batch of several statements that runs longer is cancelled and its statements run again one by one.
    package var batchSplit: Duration = .milliseconds(250)
    /// At most one such split in this time, so that a slow server is not made slower.
    package var batchSplitInterval: Duration = .milliseconds(500)
    /// Statements that travel together.
    package var readBatchMax = 32
    package var writeBatchMax = 64
    /// Times a statement is run again after its neighbour failed or its connection broke before it was applied.
    package var rerunsMax = 3
    /// Statements and leases that wait for a connection; above it `overloaded`.
    package var waitersMax = 10_000
    /// Connections leased at once to transactions and COPY; the rest stays free for single statements.
    package var leasesMax = 6
    /// LISTEN connections.
    package var listenersMax = 4
    /// How long one try to connect may take.
    package var connectTimeout: Duration = .seconds(5)
    /// First wait after a failed connect; doubles up to `reconnectMax`, with jitter of half.
    package var reconnectMin: Duration = .milliseconds(50)
    package var reconnectMax: Duration = .seconds(1)
    /// Failed connects in a row that open the circuit: waiting statements fail at once, one probe goes on.
    package var breakerFailuresMax = 6
    /// Deadline of a call that names none.
    package var callTimeout: Duration = .seconds(30)
    /// Postgres' own `statement_timeout` for every session.
    package var statementTimeout: Duration = .seconds(60)
    /// Postgres' own bound for a transaction that nobody goes on with.
    package var idleInTransactionTimeout: Duration = .seconds(30)
    /// After a deadline or a cancellation, a write waits this long for its true outcome before `outcomeUnknown`.
    package var cancelGrace: Duration = .seconds(5)
    /// A cancelled statement may still finish by itself for this long before Postgres is told to stop it.
    package var cancelDelay: Duration = .milliseconds(10)
    /// Time between two cancel requests for the same batch.
    package var cancelRetry: Duration = .milliseconds(100)
    /// Cancel requests and name look-ups at once; more wait their turn.
    package var blockingWorkMax = 4
    /// Times a transaction is run again after 40001 or 40P01.
    package var transactionRetriesMax = 5
    /// First wait before such a run; doubles each time, with jitter.
    package var transactionRetryDelay: Duration = .milliseconds(5)
    /// The thread that sends a lone read looks for its answer this long before it leaves that to the loop's thread, and
    /// as long again for each further piece of a long one; as long as answers come that soon. Zero turns it off.
    package var answerWatch: Duration = .microseconds(400)
    /// How long it looks for all pieces of one answer together.
    package var answerWatchMax: Duration = .milliseconds(2)
    /// Prepared statements on one connection; further ones are sent unprepared.
    package var preparedMax = 512
    /// Bytes of one statement's parameters.
    package var parameterBytesMax = 64 << 20
    /// COPY data handed to libpq at once.
    package var copyChunkBytesMax = 256 << 10
    /// Notifications that wait for their reader; above it the reader is told of a gap.
    package var notificationsMax = 1_024
    /// How often a LISTEN connection is asked whether it still hears.
    package var heartbeatInterval: Duration = .seconds(10)
    /// How long it may take to answer before it is given up.
    package var heartbeatTimeout: Duration = .seconds(5)

    package init() {}
}
