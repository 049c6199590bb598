import JSON
import Contracts
import RPC

/// A gateway that answers nothing: for tests of what lies before the operations.
struct NoGateway: GatewayAPI {
    private struct Nobody: RPCCaller {
        func call<Params: JSONEncodable, Result: JSONDecodable>(
            _ method: RPCMethod, _ params: Params, _ call: RPCCall
        ) async throws(RPCError) -> Result {
            throw .unavailable("nobody is there")
        }
    }

    var clients: GatewayClients {
        GatewayClients(ratings: RatingsClient(Nobody()), scrobble: ScrobbleClient(Nobody()))
    }

    func register(_: RegisterInput, _: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        throw .unavailable()
    }
    func login(_: LoginInput, _: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> { throw .unavailable() }
    func logout(_: LogoutInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        throw .unavailable()
    }
    /// Works until it is cancelled.
    func getMe(_: GetMeInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<User> {
        try? await Task.sleep(for: .seconds(3_600))
        throw .unavailable()
    }
    func resolveMovie(_: ResolveMovieInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<Movie> {
        throw .unavailable()
    }
    func getMovie(_: GetMovieInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<Movie> {
        throw .unavailable()
    }
    func rateMovie(_: RateMovieInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<Rating> {
        throw .unavailable()
    }
    func unrateMovie(_: UnrateMovieInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<
        EdgeNothing
    > {
        throw .unavailable()
    }
    func listHistory(_: ListHistoryInput, _: EdgeCaller, _: EdgeContext) async throws(RPCError) -> EdgeReply<
        WatchedPage
    > {
        throw .unavailable()
    }
}
