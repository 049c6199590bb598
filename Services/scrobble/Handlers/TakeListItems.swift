import Contracts
import RPC
import Store

/// `scrobble.takeListItems`: a person takes titles off a list; one outcome each.
struct TakeListItems: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: TakeListItemsParams, _ context: RPCContext) async throws(RPCError) -> LedgerOutcomes {
        let writer = LedgerWriter.person(params.user, at: clock.now)
        let answer = try await asking { () throws(StoreError) in
            try await lists.remove(
                params.titles, from: params.list, at: writer.at, by: writer, until: context.deadline)
        }
        // Nothing to take off a list that is not there is still no list.
        guard !params.titles.isEmpty else { return LedgerOutcomes(outcomes: []) }
        return try answer.outcomes(of: params.titles)
    }
}
