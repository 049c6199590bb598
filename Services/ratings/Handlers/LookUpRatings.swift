import Contracts
import RPC
import Store

/// `ratings.lookUpRatings`: several people's ratings of some titles, in one query, unless the caller knows them
/// already.
struct LookUpRatings: Sendable {
    let store: RatingsStore

    func run(_ params: LookUpRatingsParams, _ context: RPCContext) async throws(RPCError) -> RatingsOfPeople {
        guard params.wanted.lazy.map(\.titles.count).reduce(0, +) <= RatingsLimits.lookUpTitlesMax else {
            throw .invalidParams("params.wanted: asks about more than \(RatingsLimits.lookUpTitlesMax) titles")
        }
        guard !params.wanted.isEmpty else { return RatingsOfPeople(people: []) }
        let rows = try await asking { () throws(StoreError) in
            try await store.ratings(wanted: params.wanted, until: context.deadline)
        }
        var people: [RatingsOfPerson] = []
        people.reserveCapacity(params.wanted.count)
        for row in rows {
            if row.index == people.count {
                people.append(RatingsOfPerson(version: row.version, ratings: row.isKnown ? nil : []))
            }
            if let found = row.found { people[row.index].ratings?.append(found) }
        }
        return RatingsOfPeople(data: rows.first?.data, people: people)
    }
}
