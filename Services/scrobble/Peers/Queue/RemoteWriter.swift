/// Jobs of one connection that travel in one call.
package struct Parcel: Sendable {
    package let lane: LaneKey
    /// One or more, all with the same action.
    package let jobs: [QueueJob]
    /// The call has ended by then, whatever came of it.
    package let deadline: ContinuousClock.Instant
    /// Whether the lane is still the worker's for long enough. A write asks once more as its last bytes leave: a process
    /// that was stopped meanwhile would tell what another has told by then.
    package let isOurs: @Sendable () -> Bool
}

/// Takes jobs to the other side. Never throws: whatever happens is a reply.
package protocol RemoteWriter: Sendable {
    /// The least time between two calls of one connection.
    var pace: Duration { get }

    /// One reply for each job, in their order.
    func send(_ parcel: Parcel) async -> [JobReply]

    /// Looks whether jobs have arrived that were sent before; one reply for each, in their order.
    func look(for parcel: Parcel) async -> [LookReply]
}
