import Contracts
import RPC
import Store

/// `metadata.lookUpTitles`: several titles in one query, in full only where the caller's version is out of date.
struct LookUpTitles: Sendable {
    let store: MetadataStore
    let demand: DemandBook

    func run(_ params: LookUpTitlesParams, _ context: RPCContext) async throws(RPCError) -> VersionedTitles {
        guard !params.wanted.isEmpty else { return VersionedTitles(found: []) }
        let found = try await asking { () throws(StoreError) in
            try await store.titles(since: params.wanted, until: context.deadline)
        }
        demand.note(found.lazy.compactMap(\.title))
        return VersionedTitles(found: found)
    }
}
