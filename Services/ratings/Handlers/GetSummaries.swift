import Contracts
import RPC
import Store

/// `ratings.getSummaries`: average and distribution of several titles, in one query.
struct GetSummaries: Sendable {
    let store: RatingsStore

    func run(_ params: GetSummariesParams, _ context: RPCContext) async throws(RPCError) -> FoundSummaries {
        guard !params.titles.isEmpty else { return FoundSummaries(summaries: []) }
        let summaries = try await asking { () throws(StoreError) in
            try await store.summaries(of: params.titles, until: context.deadline)
        }
        return FoundSummaries(summaries: summaries)
    }
}
