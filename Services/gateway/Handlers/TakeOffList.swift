import Contracts
import RPC

/// `takeOffList`: takes a title off one of the caller's lists.
struct TakeOffList: Sendable {
    let scrobble: ScrobbleClient

    func run(
        _ input: TakeOffListInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerRemoval> {
        let outcomes = try await scrobble.takeListItems(
            TakeListItemsParams(user: caller.user, list: input.list, titles: [input.title]), context.rpc.outgoing())
        return EdgeReply(LedgerRemoval(removed: outcomes.outcomes.first?.result == .removed))
    }
}
