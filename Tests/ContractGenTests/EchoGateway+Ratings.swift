import Contracts
import RPC

/// The operations on ratings that the route tests do not call.
extension EchoGateway {
    func getMovieRating(
        _ input: GetMovieRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func getMovieRatings(
        _ input: GetMovieRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> { throw .forbidden() }

    func getShowRating(
        _ input: GetShowRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func rateShow(
        _ input: RateShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func unrateShow(
        _ input: UnrateShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> { throw .forbidden() }

    func getShowRatings(
        _ input: GetShowRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> { throw .forbidden() }

    func getSeasonRating(
        _ input: GetSeasonRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func rateSeason(
        _ input: RateSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func unrateSeason(
        _ input: UnrateSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> { throw .forbidden() }

    func getSeasonRatings(
        _ input: GetSeasonRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> { throw .forbidden() }

    func getEpisodeRating(
        _ input: GetEpisodeRatingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func rateEpisode(
        _ input: RateEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Rating> { throw .forbidden() }

    func unrateEpisode(
        _ input: UnrateEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> { throw .forbidden() }

    func getEpisodeRatings(
        _ input: GetEpisodeRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleRatings> { throw .forbidden() }

    func listRatings(
        _ input: ListRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<RatedPage> { throw .forbidden() }

    func writeRatings(
        _ input: WriteRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WriteOutcomes> { throw .forbidden() }

    func compareRatings(
        _ input: CompareRatingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WorldComparison> { throw .forbidden() }

    func exportData(
        _ input: ExportDataInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> { throw .forbidden() }

    func exportEverything(
        _ input: ExportEverythingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> { throw .forbidden() }

    func exportLetterboxd(
        _ input: ExportLetterboxdInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> { throw .forbidden() }

    func createImport(
        _ input: CreateImportInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Import> { throw .forbidden() }
}
