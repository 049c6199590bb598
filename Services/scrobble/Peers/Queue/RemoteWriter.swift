/// Jobs of one connection that share one call.
package struct Parcel: Sendable {
    package let lane: LaneKey
    /// One or more jobs, all with the same action.
    package let jobs: [QueueJob]
    /// The time by which the call has ended, whatever its outcome.
    package let deadline: ContinuousClock.Instant
    /// Whether the worker still holds the lane for long enough. A write asks again as its last bytes leave: a process
    /// that was suspended meanwhile would otherwise repeat what another one has sent.
    package let isOurs: @Sendable () -> Bool
}

/// Delivers jobs to a provider. Never throws: every outcome is a reply.
package protocol RemoteWriter: Sendable {
    /// The minimum interval between two calls of one connection.
    var pace: Duration { get }

    /// Returns one reply per job, in order.
    func send(_ parcel: Parcel) async -> [JobReply]

    /// Checks whether jobs that were sent before have arrived; returns one reply per job, in order.
    func look(for parcel: Parcel) async -> [LookReply]
}
