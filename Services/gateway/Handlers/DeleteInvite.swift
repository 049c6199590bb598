import Contracts
import RPC
import Store

/// `deleteInvite`: revokes an invitation.
struct DeleteInvite: Sendable {
    let accounts: Accounts

    func run(
        _ input: DeleteInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let wasThere = try await asking { () throws(StoreError) in
            try await accounts.store.deleteInvite(input.invite, until: context.rpc.deadline)
        }
        guard wasThere else { throw .inviteNotFound("there is no such invitation") }
        return .nothing()
    }
}
