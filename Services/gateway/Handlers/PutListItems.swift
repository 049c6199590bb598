import Contracts
import RPC

/// `putListItems`: puts existing titles on one of the caller's lists, with an outcome for each.
struct PutListItems: Sendable {
    let metadata: MetadataClient
    let scrobble: ScrobbleClient

    func run(
        _ input: PutListItemsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<LedgerOutcomes> {
        let entries = try await KnownEntries(input.body.items, metadata, context)
        let outcomes = try await scrobble.putListItems(
            PutListItemsParams(user: caller.user, list: input.list, items: entries.known), context.rpc.outgoing())
        return EdgeReply(entries.outcomes(with: outcomes))
    }
}
