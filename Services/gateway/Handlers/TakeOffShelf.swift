import Contracts
import RPC

/// `takeOffWatchlist` and the like: takes a title off a shelf.
struct TakeOffShelf: Sendable {
    let scrobble: ScrobbleClient
    let shelf: Shelf

    func run(
        _ title: TitleID, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> {
        let outcomes = try await scrobble.takeOffShelf(
            TakeOffShelfParams(user: caller.user, shelf: shelf, titles: [title]), context.rpc.outgoing())
        return EdgeReply(LedgerRemoval(removed: outcomes.outcomes.first?.result == .removed))
    }
}
