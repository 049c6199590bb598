import Contracts
import RPC
import Store

/// `metadata.listRedirects`: titles that were merged, in the order in which they were.
struct ListRedirects: Sendable {
    static let limitDefault = 500

    let store: MetadataStore

    func run(_ params: ListRedirectsParams, _ context: RPCContext) async throws(RPCError) -> TitleRedirects {
        let rows = try await asking { () throws(StoreError) in
            try await store.redirects(
                after: params.after, limit: params.limit ?? Self.limitDefault, until: context.deadline)
        }
        return TitleRedirects(redirects: rows)
    }
}
