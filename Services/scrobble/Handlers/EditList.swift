import Contracts
import RPC
import Store

/// `scrobble.editList`: changes a list's name, description and ranking.
struct EditList: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: EditListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        let edited = try await asking { () throws(StoreError) in
            try await lists.edit(
                params.list, of: params.user, name: params.name, description: params.description,
                isRanked: params.isRanked, expected: params.expected, at: clock.now, until: context.deadline)
        }
        switch edited {
        case .edited(let list): return list.contract
        case .unexpected: throw .preconditionFailed("the list is not in the expected state")
        case .noSuchList: throw .noSuchList
        }
    }
}
