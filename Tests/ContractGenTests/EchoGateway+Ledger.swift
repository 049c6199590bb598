import Contracts
import RPC

/// The operations on the ledger, which these tests are not about.
extension EchoGateway {
    func updateConnection(
        _ input: UpdateConnectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ConnectionView> { throw .forbidden() }

    func startSync(
        _ input: StartSyncInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SyncStart> { throw .forbidden() }

    func listContinueWatching(
        _ input: ListContinueWatchingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ContinueWatchingList> { throw .forbidden() }

    func listListItems(
        _ input: ListListItemsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ListedPage> { throw .forbidden() }

    func editList(
        _ input: EditListInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleList> { throw .forbidden() }

    func putListItems(
        _ input: PutListItemsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> { throw .forbidden() }

    func takeOffList(
        _ input: TakeOffListInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> { throw .forbidden() }

    func getMovieWatched(
        _ input: GetMovieWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> { throw .forbidden() }

    func markMovieWatched(
        _ input: MarkMovieWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func unmarkMovieWatched(
        _ input: UnmarkMovieWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func getMovieProgress(
        _ input: GetMovieProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> { throw .forbidden() }

    func setMovieProgress(
        _ input: SetMovieProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> { throw .forbidden() }

    func clearMovieProgress(
        _ input: ClearMovieProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> { throw .forbidden() }

    func getShowWatched(
        _ input: GetShowWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> { throw .forbidden() }

    func markShowWatched(
        _ input: MarkShowWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func unmarkShowWatched(
        _ input: UnmarkShowWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func getShowProgress(
        _ input: GetShowProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> { throw .forbidden() }

    func getSeasonWatched(
        _ input: GetSeasonWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> { throw .forbidden() }

    func markSeasonWatched(
        _ input: MarkSeasonWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func unmarkSeasonWatched(
        _ input: UnmarkSeasonWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func getSeasonProgress(
        _ input: GetSeasonProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> { throw .forbidden() }

    func getEpisodeWatched(
        _ input: GetEpisodeWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedState> { throw .forbidden() }

    func markEpisodeWatched(
        _ input: MarkEpisodeWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func unmarkEpisodeWatched(
        _ input: UnmarkEpisodeWatchedInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<WatchedChange> { throw .forbidden() }

    func getEpisodeProgress(
        _ input: GetEpisodeProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> { throw .forbidden() }

    func setEpisodeProgress(
        _ input: SetEpisodeProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> { throw .forbidden() }

    func clearEpisodeProgress(
        _ input: ClearEpisodeProgressInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleProgress> { throw .forbidden() }

    func listWatchlist(
        _ input: ListWatchlistInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> { throw .forbidden() }

    func putOnWatchlist(
        _ input: PutOnWatchlistInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> { throw .forbidden() }

    func takeOffWatchlist(
        _ input: TakeOffWatchlistInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> { throw .forbidden() }

    func listCollection(
        _ input: ListCollectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> { throw .forbidden() }

    func putOnCollection(
        _ input: PutOnCollectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> { throw .forbidden() }

    func takeOffCollection(
        _ input: TakeOffCollectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> { throw .forbidden() }

    func listLikes(
        _ input: ListLikesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> { throw .forbidden() }

    func putOnLikes(
        _ input: PutOnLikesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> { throw .forbidden() }

    func takeOffLikes(
        _ input: TakeOffLikesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> { throw .forbidden() }
}
