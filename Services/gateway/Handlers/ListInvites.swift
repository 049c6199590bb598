import Contracts
import RPC
import Store

/// `listInvites`: the invitations of the installation, open ones first, without their codes.
struct ListInvites: Sendable {
    let accounts: Accounts

    func run(
        _ input: ListInvitesInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<InviteList> {
        let invites = try await asking { () throws(StoreError) in
            try await accounts.store.invites(
                at: accounts.clock.now, limits: accounts.limits, until: context.rpc.deadline)
        }
        return EdgeReply(InviteList(items: invites))
    }
}
