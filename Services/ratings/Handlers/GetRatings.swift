import Contracts
import RPC
import Store

/// `ratings.getRatings`: a person's ratings of several titles, in one query; as many as fit into one answer.
struct GetRatings: Sendable {
    let store: RatingsStore

    func run(_ params: GetRatingsParams, _ context: RPCContext) async throws(RPCError) -> FoundRatings {
        guard !params.titles.isEmpty else { return FoundRatings(ratings: []) }
        // Most calls ask about one title, and such calls are batched.
        if params.titles.count == 1 {
            let rating = try await asking { () throws(StoreError) in
                try await store.rating(of: params.titles[0], by: params.user, until: context.deadline)
            }
            return FoundRatings(ratings: rating.map { [$0] } ?? [])
        }
        let bytesMax = params.inParts == true ? RatingsLimits.pageReviewBytesMax : .max
        let found = try await asking { () throws(StoreError) in
            try await store.ratings(
                of: params.titles, by: params.user, reviewBytesMax: bytesMax, until: context.deadline)
        }
        let rest = found.filter { !$0.isWhole }.map(\.rating.title)
        return FoundRatings(
            ratings: found.filter(\.isWhole).map(\.rating), rest: rest.isEmpty ? nil : rest)
    }
}
