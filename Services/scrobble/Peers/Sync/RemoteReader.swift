package import Contracts

/// Reads a person's lists on another side, within what that allows. What is read is rows; which titles they mean is found
/// out by who asks.
package protocol RemoteReader: Sendable {
    var shape: RemoteShape { get }

    /// Whose account the tokens are for.
    func account(of lane: LaneKey) async throws(ReadTrouble) -> RemoteAccount

    /// What happened last over there: the one call of a sync that finds nothing to do.
    func activities(of lane: LaneKey) async throws(ReadTrouble) -> RemoteActivities

    /// The lists of some kinds; of the history the plays from a day on, or all.
    func lists(
        _ facet: SyncFacet, _ kinds: [TitleKind], from day: CalendarDate?, of lane: LaneKey
    ) async throws(ReadTrouble) -> [TitleKind: RemoteReading]
}

/// Why a reading ended without an answer.
package enum ReadTrouble: Error, Sendable, Equatable {
    /// Only the person can mend it.
    case askUser(ConnectionTrouble)
    /// Nothing of this facet is told now.
    case barred(StopCause)
    case wait(Duration, String)
    /// The other side failed, or something in between answered.
    case broken(String)
}

/// Places for reads: shared by all replicas.
package protocol ReadAllowance: Sendable {
    /// Takes one place, waiting a while for it; false where there is none soon.
    func take(_ lane: LaneKey) async -> Bool

    /// Takes one place at once, for who looks for what was told: beyond what syncs may take, some are kept for it. False where
    /// those are used up too.
    func spend(_ lane: LaneKey) async -> Bool
}
