import Contracts
import RPC
import Store

/// `metadata.getTitle`: one title; the id of a merged title leads to the one it was merged into.
struct GetTitle: Sendable {
    let store: MetadataStore
    let demand: DemandBook

    func run(_ params: GetTitleParams, _ context: RPCContext) async throws(RPCError) -> Title {
        let stored = try await asking { () throws(StoreError) in
            try await store.title(params.title, until: context.deadline)
        }
        guard let title = stored?.title else { throw .titleNotFound("no title has this id") }
        demand.note([title])
        return title
    }
}
