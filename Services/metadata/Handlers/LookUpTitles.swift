import Contracts
import RPC
import Store

/// `metadata.lookUpTitles`: several titles in one query, in full only where the caller's version is out of date.
struct LookUpTitles: Sendable {
    let store: MetadataStore
    let demand: DemandBook

    func run(_ params: LookUpTitlesParams, _ context: RPCContext) async throws(RPCError) -> VersionedTitles {
        guard !params.wanted.isEmpty else { return VersionedTitles(found: []) }
        let rows = try await asking { () throws(StoreError) in
            try await store.titles(since: params.wanted, until: context.deadline)
        }
        demand.note(rows.lazy.compactMap(\.found.title))
        return VersionedTitles(data: rows.first?.data, found: rows.map(\.found))
    }
}
