package import Contracts
internal import RPC

/// What a bearer token is worth, as far as is known without asking anybody.
package enum EdgeCredentials: Sendable {
    /// Whose it is; nil for nobody's.
    package typealias LookUp =
        @Sendable (_ deadline: ContinuousClock.Instant) async throws(RPCError) -> EdgeCaller?

    /// Nothing, whoever is asked.
    case nobody
    case caller(EdgeCaller)
    /// Somebody must be asked. `wasGood` says whether it was somebody's when that was done last, here.
    case unread(wasGood: Bool, LookUp)
}

/// Tells what a bearer token is worth, without waiting.
package typealias EdgeAuthenticator = @Sendable (_ token: String) -> EdgeCredentials
