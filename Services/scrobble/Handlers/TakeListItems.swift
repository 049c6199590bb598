import Contracts
import RPC
import Store

/// `scrobble.takeListItems`: takes titles off a list; one outcome for each.
struct TakeListItems: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: TakeListItemsParams, _ context: RPCContext) async throws(RPCError) -> LedgerOutcomes {
        let writer = LedgerWriter.person(params.user, at: clock.now)
        let answer = try await asking { () throws(StoreError) in
            try await lists.remove(
                params.titles, from: params.list, at: writer.at, by: writer, until: context.deadline)
        }
        // Without titles nothing is looked up, not even whether the list exists.
        guard !params.titles.isEmpty else { return LedgerOutcomes(outcomes: []) }
        return try answer.outcomes(of: params.titles)
    }
}
