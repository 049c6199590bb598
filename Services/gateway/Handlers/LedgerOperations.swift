package import Contracts
package import RPC

/// Operations on what the caller keeps; one line each, the work is in the handlers.
extension GatewayService {
    package func listContinueWatching(
        _ input: ListContinueWatchingInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ContinueWatchingList> {
        try await ListContinueWatching(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }

    package func listListItems(
        _ input: ListListItemsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ListedPage> {
        try await ListListItems(metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble)
            .run(input, caller, context)
    }

    package func editList(
        _ input: EditListInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<TitleList> {
        try await EditList(scrobble: clients.scrobble).run(input, caller, context)
    }

    package func putListItems(
        _ input: PutListItemsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> {
        try await PutListItems(metadata: metadata, scrobble: clients.scrobble).run(input, caller, context)
    }

    package func takeOffList(
        _ input: TakeOffListInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> {
        try await TakeOffList(scrobble: clients.scrobble).run(input, caller, context)
    }

    package func listWatchlist(
        _ input: ListWatchlistInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> {
        try await ListShelf(
            metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, shelf: .watchlist
        ).run(input.kind, input.limit, input.cursor, status: input.status, caller, context)
    }

    package func putOnWatchlist(
        _ input: PutOnWatchlistInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> {
        try await PutOnShelf(metadata: metadata, scrobble: clients.scrobble, shelf: .watchlist)
            .run(input.body, caller, context)
    }

    package func takeOffWatchlist(
        _ input: TakeOffWatchlistInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> {
        try await TakeOffShelf(scrobble: clients.scrobble, shelf: .watchlist).run(input.title, caller, context)
    }

    package func listCollection(
        _ input: ListCollectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> {
        try await ListShelf(
            metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, shelf: .collection
        ).run(input.kind, input.limit, input.cursor, caller, context)
    }

    package func putOnCollection(
        _ input: PutOnCollectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> {
        try await PutOnShelf(metadata: metadata, scrobble: clients.scrobble, shelf: .collection)
            .run(input.body, caller, context)
    }

    package func takeOffCollection(
        _ input: TakeOffCollectionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> {
        try await TakeOffShelf(scrobble: clients.scrobble, shelf: .collection).run(input.title, caller, context)
    }

    package func listLikes(
        _ input: ListLikesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<ShelvedPage> {
        try await ListShelf(
            metadata: metadata, ratings: clients.ratings, scrobble: clients.scrobble, shelf: .likes
        ).run(input.kind, input.limit, input.cursor, caller, context)
    }

    package func putOnLikes(
        _ input: PutOnLikesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> {
        try await PutOnShelf(metadata: metadata, scrobble: clients.scrobble, shelf: .likes)
            .run(input.body, caller, context)
    }

    package func takeOffLikes(
        _ input: TakeOffLikesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> {
        try await TakeOffShelf(scrobble: clients.scrobble, shelf: .likes).run(input.title, caller, context)
    }
}
