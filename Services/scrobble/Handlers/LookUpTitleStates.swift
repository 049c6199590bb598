import Contracts
import RPC
import Store

/// `scrobble.lookUpTitleStates`: what a title each is to several people, in one statement.
struct LookUpTitleStates: Sendable {
    let watch: WatchStore

    func run(_ params: LookUpTitleStatesParams, _ context: RPCContext) async throws(RPCError) -> StatesOfPeople {
        guard !params.wanted.isEmpty else { return StatesOfPeople(states: []) }
        let found = try await asking { () throws(StoreError) in
            try await watch.states(wanted: params.wanted, until: context.deadline)
        }
        return StatesOfPeople(states: found.map(TitleState.init))
    }
}
