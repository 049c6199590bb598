/// The bounds of the Postgres client; upper bounds of counts end in `Max`, times are `Duration`.
package struct PGLimits: Sendable {
    /// Connections of one pool, not counting LISTEN connections. 2…100.
    package var connectionsMax = 8
    /// Connections kept open when idle.
    package var connectionsMin = 2
    /// How long an idle connection above `connectionsMin` stays open.
    package var idleClose: Duration = .seconds(60)
    /// Batches of reads in flight at once, each on its own connection.
    package var readLanesMax = 3
    /// Batches of grouped writes in flight at once, each on its own connection.
    package var writeLanesMax = 2
    /// A batch that runs longer than this no longer counts against the lanes, so that others can overtake it.
    package var laneStall: Duration = .milliseconds(20)
    /// A batch of several statements that runs longer than this is cancelled and its statements rerun one by one.
    package var batchSplit: Duration = .milliseconds(250)
    /// The minimum time between two such splits, so that a slow server is not made slower.
    package var batchSplitInterval: Duration = .milliseconds(500)
    /// Statements that travel in one batch.
    package var readBatchMax = 32
    package var writeBatchMax = 64
    /// How often a statement is rerun after its neighbour failed or its connection broke before it was applied.
    package var rerunsMax = 3
    /// Statements and leases that wait for a connection; beyond this, calls fail with `overloaded`.
    package var waitersMax = 10_000
    /// Connections leased at once to transactions and COPY; the rest stay free for single statements.
    package var leasesMax = 6
    /// LISTEN connections.
    package var listenersMax = 4
    /// How long one connection attempt may take.
    package var connectTimeout: Duration = .seconds(5)
    /// The wait after the first failed connection attempt; doubles up to `reconnectMax`, with jitter of half.
    package var reconnectMin: Duration = .milliseconds(50)
    package var reconnectMax: Duration = .seconds(1)
    /// Consecutive failed connection attempts that open the circuit: waiting statements fail at once while one probe
    /// continues.
    package var breakerFailuresMax = 6
    /// The timeout of a call without a deadline.
    package var callTimeout: Duration = .seconds(30)
    /// Postgres' own `statement_timeout` in every session.
    package var statementTimeout: Duration = .seconds(60)
    /// Postgres' own `idle_in_transaction_session_timeout` in every session.
    package var idleInTransactionTimeout: Duration = .seconds(30)
    /// How long a write waits for its true outcome after a deadline or a cancellation before it becomes
    /// `outcomeUnknown`.
    package var cancelGrace: Duration = .seconds(5)
    /// How long a cancelled statement may still finish by itself before Postgres is told to stop it.
    package var cancelDelay: Duration = .milliseconds(10)
    /// The time between two cancel requests for the same batch.
    package var cancelRetry: Duration = .milliseconds(100)
    /// Cancel requests and name look-ups that run at once; further ones wait their turn.
    package var blockingWorkMax = 4
    /// How often a transaction is run again after 40001 or 40P01.
    package var transactionRetriesMax = 5
    /// The wait before the first such run; doubles each time, with jitter.
    package var transactionRetryDelay: Duration = .milliseconds(5)
    /// How long the thread that sends a lone read polls for its answer, and for each further piece of a long one,
    /// before leaving it to the loop's thread; pauses while answers take longer. Zero turns it off.
    package var answerWatch: Duration = .microseconds(400)
    /// How long it polls for all pieces of one answer together.
    package var answerWatchMax: Duration = .milliseconds(2)
    /// Prepared statements on one connection; further ones are sent unprepared.
    package var preparedMax = 512
    /// Bytes of the parameters of one statement.
    package var parameterBytesMax = 64 << 20
    /// Bytes of COPY data handed to libpq at once.
    package var copyChunkBytesMax = 256 << 10
    /// Notifications that wait for their reader; beyond this the reader gets a gap instead.
    package var notificationsMax = 1_024
    /// How often a LISTEN connection is probed.
    package var heartbeatInterval: Duration = .seconds(10)
    /// How long it may take to respond before it is given up.
    package var heartbeatTimeout: Duration = .seconds(5)

    package init() {}
}
