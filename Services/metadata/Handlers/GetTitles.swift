import Contracts
import RPC
import Store

/// `metadata.getTitles`: several titles in one query; unknown ids are left out.
struct GetTitles: Sendable {
    let store: MetadataStore
    let demand: DemandBook

    func run(_ params: GetTitlesParams, _ context: RPCContext) async throws(RPCError) -> FoundTitles {
        guard !params.titles.isEmpty else { return FoundTitles(found: []) }
        let found = try await asking { () throws(StoreError) in
            try await store.titles(params.titles, until: context.deadline)
        }
        demand.note(found.map(\.title))
        return FoundTitles(found: found)
    }
}
