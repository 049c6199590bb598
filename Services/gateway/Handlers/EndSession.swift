import Contracts
import RPC
import Store

/// `endSession`: ends one of a person's sessions.
struct EndSession: Sendable {
    let accounts: Accounts

    func run(
        _ input: EndSessionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let wasThere = try await asking { () throws(StoreError) in
            try await accounts.store.end(input.session, of: caller.user, until: context.rpc.deadline)
        }
        guard wasThere else { throw .loginNotFound("you have no such session") }
        accounts.callers.forget { $0.credential == input.session.uuid }
        return .nothing()
    }
}
