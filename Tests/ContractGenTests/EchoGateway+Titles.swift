import Contracts
import RPC

/// Titles of every kind, none of which is known.
extension EchoGateway {
    func getHome(
        _ input: GetHomeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Home> { throw .unavailable() }

    func readTitles(
        _ input: ReadTitlesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleOverviews> { throw .unavailable() }

    func getShow(
        _ input: GetShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> { throw .titleNotFound() }

    func getSeason(
        _ input: GetSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> { throw .titleNotFound() }

    func getEpisode(
        _ input: GetEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> { throw .titleNotFound() }

    func refreshMovie(
        _ input: RefreshMovieInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Movie> { throw .titleNotFound() }

    func refreshShow(
        _ input: RefreshShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> { throw .titleNotFound() }

    func refreshSeason(
        _ input: RefreshSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> { throw .titleNotFound() }

    func refreshEpisode(
        _ input: RefreshEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> { throw .titleNotFound() }

    func resolveShow(
        _ input: ResolveShowInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TVSeries> { throw .titleNotFound() }

    func resolveSeason(
        _ input: ResolveSeasonInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Season> { throw .titleNotFound() }

    func resolveEpisode(
        _ input: ResolveEpisodeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Episode> { throw .titleNotFound() }

    func listShowSeasons(
        _ input: ListShowSeasonsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SeasonPage> { throw .titleNotFound() }

    func listSeasonEpisodes(
        _ input: ListSeasonEpisodesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EpisodePage> { throw .titleNotFound() }
}
