package import Contracts
package import RPC

/// Operations on external scores; one line each, the work is in the handlers.
extension GatewayService {
    package func getMovieOutcomes(
        _ input: GetMovieOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> {
        try await GetTitleOutcomes(metadata: clients.metadata, kind: .movie).run(input.title, context)
    }

    package func listMovieScores(
        _ input: ListMovieScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> {
        try await ListTitleScores(metadata: clients.metadata, kind: .movie)
            .run(input.title, source: input.source, limit: input.limit, cursor: input.cursor, context)
    }

    package func getShowOutcomes(
        _ input: GetShowOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> {
        try await GetTitleOutcomes(metadata: clients.metadata, kind: .series).run(input.title, context)
    }

    package func listShowScores(
        _ input: ListShowScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> {
        try await ListTitleScores(metadata: clients.metadata, kind: .series)
            .run(input.title, source: input.source, limit: input.limit, cursor: input.cursor, context)
    }

    package func getSeasonOutcomes(
        _ input: GetSeasonOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> {
        try await GetTitleOutcomes(metadata: clients.metadata, kind: .season).run(input.title, context)
    }

    package func listSeasonScores(
        _ input: ListSeasonScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> {
        try await ListTitleScores(metadata: clients.metadata, kind: .season)
            .run(input.title, source: input.source, limit: input.limit, cursor: input.cursor, context)
    }

    package func getEpisodeOutcomes(
        _ input: GetEpisodeOutcomesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOutcomes> {
        try await GetTitleOutcomes(metadata: clients.metadata, kind: .episode).run(input.title, context)
    }

    package func listEpisodeScores(
        _ input: ListEpisodeScoresInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatingHistory> {
        try await ListTitleScores(metadata: clients.metadata, kind: .episode)
            .run(input.title, source: input.source, limit: input.limit, cursor: input.cursor, context)
    }
}
