import Contracts
import Cryptography
import Postgres
import RPC
import Store

/// `createInvite`: makes a code that admits one new account.
struct CreateInvite: Sendable {
    let accounts: Accounts
    let once: OnceStore

    func run(
        _ input: CreateInviteInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewInvite> {
        let now = accounts.clock.now
        let mark = OnceStore.Mark(context, caller)
        let expiresAt = input.body.expiresAt ?? now.advanced(by: accounts.limits.inviteLife)
        if expiresAt <= now {
            if let kept: NewInvite = try await once.kept(mark, until: context.rpc.deadline) { return EdgeReply(kept) }
            throw .expiryInPast("expires_at: has passed")
        }
        let code = OpaqueToken(prefix: Accounts.invitePrefix)
        let values: [PGValue] = [
            .id(InviteID(accounts.ids.next())), .id(caller.user), .bytea(code.digest.bytes), .text(input.body.note),
            .moment(now), .moment(expiresAt), .int(accounts.limits.invitesMax),
        ]
        let made: NewInvite = try await once.write(mark, until: context.rpc.deadline) { transaction throws(PGError) in
            // Serializes requests, so that later ones see the invitations of earlier ones.
            try await transaction.execute(GatewayQueries.lockInstallation)
            guard let stored = try await transaction.first(GatewayQueries.createInvite, values) else {
                return .failure(.tooMany("\(accounts.limits.invitesMax) invitations are already open"))
            }
            return .success(NewInvite(code: code.text.revealed, invite: stored))
        }
        context.subject.tell(object: made.invite.id.uuid)
        return EdgeReply(made)
    }
}
