package import Contracts
package import RPC

/// Under which keys a request came whose conditions held.
///
/// A request that comes again meets what it has done itself, so its conditions need not hold a second time: its key decides what it
/// is answered. Nobody but requests with both a key and a condition pays for that.
package protocol ConditionBook: Sendable {
    /// Notes that the conditions of a request hold, before it takes effect.
    func note(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError)

    /// Whether this very request was noted.
    func isNoted(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> Bool

    /// The request was refused and has changed nothing: its conditions must hold when it comes again.
    func forget(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError)
}
