package import Contracts
package import RPC

/// The idempotency keys of requests whose conditions held.
///
/// A repeated request meets its own effect, so its conditions need not hold a second time: its key decides the answer.
/// Only requests with both a key and a condition incur this cost.
package protocol ConditionBook: Sendable {
    /// Records that the conditions of a request hold, before it takes effect.
    func note(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError)

    /// Returns whether this very request was recorded.
    func isNoted(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> Bool

    /// Forgets a request that was refused and has changed nothing: its conditions must hold when it is repeated.
    func forget(
        _ once: EdgeOnce, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(RPCError)
}
