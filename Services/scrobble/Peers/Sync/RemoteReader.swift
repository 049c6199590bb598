package import Contracts

/// Reads a person's lists at a provider, within its rate limits. Returns rows; the caller resolves the titles they
/// mean.
package protocol RemoteReader: Sendable {
    var shape: RemoteShape { get }

    /// Returns the account that the tokens are for.
    func account(of lane: LaneKey) async throws(ReadTrouble) -> RemoteAccount

    /// The latest activities there: the only call of a sync that finds nothing to do.
    func activities(of lane: LaneKey) async throws(ReadTrouble) -> RemoteActivities

    /// The lists of some kinds; of the history, the plays from a day on, or all.
    func lists(
        _ facet: SyncFacet, _ kinds: [TitleKind], from day: CalendarDate?, of lane: LaneKey
    ) async throws(ReadTrouble) -> [TitleKind: RemoteReading]
}

/// Why a reading ended without an answer.
package enum ReadTrouble: Error, Sendable, Equatable {
    /// Only the person can fix it.
    case askUser(ConnectionTrouble)
    /// The other side says nothing about this facet now.
    case barred(StopCause)
    case wait(Duration, String)
    /// The other side failed, or something in between answered.
    case broken(String)
}

/// The allowance for reads, shared by all replicas.
package protocol ReadAllowance: Sendable {
    /// Takes one read, waiting a while for it; false if none becomes available soon.
    func take(_ lane: LaneKey) async -> Bool

    /// Takes one read at once, to look for what was sent: some are kept for this beyond those that syncs may take.
    /// False if these are used up too.
    func spend(_ lane: LaneKey) async -> Bool
}
