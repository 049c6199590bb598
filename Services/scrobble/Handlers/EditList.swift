import Contracts
import RPC
import Store

/// `scrobble.editList`: a person changes what a list is called and says.
struct EditList: Sendable {
    let lists: ListStore
    let clock: any WallClock

    func run(_ params: EditListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        let list = try await asking { () throws(StoreError) in
            try await lists.edit(
                params.list, of: params.user, name: params.name, description: params.description,
                isRanked: params.isRanked, at: clock.now, until: context.deadline)
        }
        guard let list else { throw .noSuchList }
        return list.contract
    }
}
