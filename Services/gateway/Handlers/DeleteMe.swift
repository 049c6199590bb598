import Contracts
import RPC
import Store

/// `deleteMe`: closes the account at once; data in other services is erased right after, with retries.
struct DeleteMe: Sendable {
    let accounts: Accounts
    let erasure: AccountErasure

    func run(
        _ input: DeleteMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let isClosed = try await asking { () throws(StoreError) in
            try await accounts.store.close(
                caller.user, asking: SessionID(caller.credential), freshSince: accounts.reauthenticatedSince,
                until: context.rpc.deadline)
        }
        guard isClosed else { throw .notReauthenticated }
        // Another person may have become administrator.
        accounts.callers.forget { _ in true }
        erasure.wake()
        return .nothing()
    }
}
