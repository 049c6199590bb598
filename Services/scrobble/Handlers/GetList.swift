import Contracts
import RPC
import Store

/// `scrobble.getList`: one of a person's lists.
struct GetList: Sendable {
    let lists: ListStore

    func run(_ params: GetListParams, _ context: RPCContext) async throws(RPCError) -> TitleList {
        let list = try await asking { () throws(StoreError) in
            try await lists.list(params.list, of: params.user, until: context.deadline)
        }
        guard let list else { throw .noSuchList }
        return list.contract
    }
}

extension RPCError {
    static var noSuchList: RPCError { .listNotFound("there is no such list") }
}
