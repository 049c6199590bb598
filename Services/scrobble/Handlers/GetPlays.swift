import Contracts
import RPC
import Store

/// `scrobble.getPlays`: those of the given plays that are a person's.
struct GetPlays: Sendable {
    let store: ScrobbleStore

    func run(_ params: GetPlaysParams, _ context: RPCContext) async throws(RPCError) -> FoundPlays {
        guard !params.plays.isEmpty else { return FoundPlays(plays: []) }
        let plays = try await asking { () throws(StoreError) in
            try await store.plays(params.plays, of: params.user, until: context.deadline)
        }
        return FoundPlays(plays: plays)
    }
}
