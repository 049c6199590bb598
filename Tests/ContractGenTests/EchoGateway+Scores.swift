import Contracts
import RPC

/// The operations on external scores, which no test calls here.
extension EchoGateway {
    func getMovieOutcomes(
        _ input: GetMovieOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> { throw .forbidden() }

    func listMovieScores(
        _ input: ListMovieScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> { throw .forbidden() }

    func getShowOutcomes(
        _ input: GetShowOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> { throw .forbidden() }

    func listShowScores(
        _ input: ListShowScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> { throw .forbidden() }

    func getSeasonOutcomes(
        _ input: GetSeasonOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> { throw .forbidden() }

    func listSeasonScores(
        _ input: ListSeasonScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> { throw .forbidden() }

    func getEpisodeOutcomes(
        _ input: GetEpisodeOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> { throw .forbidden() }

    func listEpisodeScores(
        _ input: ListEpisodeScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> { throw .forbidden() }
}
