import Contracts
import RPC
import Store

/// `ratings.lookUpRatings`: what several people have given to a title each, in one query.
struct LookUpRatings: Sendable {
    let store: RatingsStore

    func run(_ params: LookUpRatingsParams, _ context: RPCContext) async throws(RPCError) -> RatingsOfPeople {
        guard !params.wanted.isEmpty else { return RatingsOfPeople(found: []) }
        let found = try await asking { () throws(StoreError) in
            try await store.ratings(wanted: params.wanted, until: context.deadline)
        }
        return RatingsOfPeople(
            found: found.map { RatingOfPerson(wanted: params.wanted[$0.index], rating: $0.rating) })
    }
}
