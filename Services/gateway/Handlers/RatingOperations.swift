package import Contracts
package import RPC

/// Operations on ratings; one line each, the work is in the handlers.
extension GatewayService {
    package func rateMovie(
        _ input: RateMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await RateTitle(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, kind: .movie)
            .run(input.title, input.body, caller, context)
    }

    package func getMovieRating(
        _ input: GetMovieRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await GetTitleRating(metadata: metadata, ratings: clients.ratings, kind: .movie)
            .run(input.title, caller, context)
    }

    package func unrateMovie(
        _ input: UnrateMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await UnrateTitle(metadata: metadata, ratings: clients.ratings, kind: .movie)
            .run(input.title, caller, context)
    }

    package func getMovieRatings(
        _ input: GetMovieRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> {
        try await GetTitleRatings(metadata: metadata, ratings: clients.ratings, kind: .movie)
            .run(input.title, caller, context)
    }

    package func rateShow(
        _ input: RateShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await RateTitle(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, kind: .series)
            .run(input.title, input.body, caller, context)
    }

    package func getShowRating(
        _ input: GetShowRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await GetTitleRating(metadata: metadata, ratings: clients.ratings, kind: .series)
            .run(input.title, caller, context)
    }

    package func unrateShow(
        _ input: UnrateShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await UnrateTitle(metadata: metadata, ratings: clients.ratings, kind: .series)
            .run(input.title, caller, context)
    }

    package func getShowRatings(
        _ input: GetShowRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> {
        try await GetTitleRatings(metadata: metadata, ratings: clients.ratings, kind: .series)
            .run(input.title, caller, context)
    }

    package func rateSeason(
        _ input: RateSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await RateTitle(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, kind: .season)
            .run(input.title, input.body, caller, context)
    }

    package func getSeasonRating(
        _ input: GetSeasonRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await GetTitleRating(metadata: metadata, ratings: clients.ratings, kind: .season)
            .run(input.title, caller, context)
    }

    package func unrateSeason(
        _ input: UnrateSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await UnrateTitle(metadata: metadata, ratings: clients.ratings, kind: .season)
            .run(input.title, caller, context)
    }

    package func getSeasonRatings(
        _ input: GetSeasonRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> {
        try await GetTitleRatings(metadata: metadata, ratings: clients.ratings, kind: .season)
            .run(input.title, caller, context)
    }

    package func rateEpisode(
        _ input: RateEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await RateTitle(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, kind: .episode)
            .run(input.title, input.body, caller, context)
    }

    package func getEpisodeRating(
        _ input: GetEpisodeRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> {
        try await GetTitleRating(metadata: metadata, ratings: clients.ratings, kind: .episode)
            .run(input.title, caller, context)
    }

    package func unrateEpisode(
        _ input: UnrateEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        try await UnrateTitle(metadata: metadata, ratings: clients.ratings, kind: .episode)
            .run(input.title, caller, context)
    }

    package func getEpisodeRatings(
        _ input: GetEpisodeRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> {
        try await GetTitleRatings(metadata: metadata, ratings: clients.ratings, kind: .episode)
            .run(input.title, caller, context)
    }

    package func listRatings(
        _ input: ListRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatedPage> {
        try await ListRatings(metadata: metadata, ratings: clients.ratings).run(input, caller, context)
    }

    package func writeRatings(
        _ input: WriteRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WriteOutcomes> {
        try await WriteRatings(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }

    package func compareRatings(
        _ input: CompareRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WorldComparison> {
        try await CompareRatings(metadata: metadata, ratings: clients.ratings).run(input, caller, context)
    }

    package func exportData(
        _ input: ExportDataInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> {
        try await ExportData(metadata: metadata, ratings: clients.ratings).run(input, caller, context)
    }
}
