import Contracts
import RPC
import Store

/// `deleteMe`: closes the account at once; what is elsewhere is erased right after, and again until it is done.
struct DeleteMe: Sendable {
    let accounts: Accounts
    let erasure: AccountErasure

    func run(
        _ input: DeleteMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let freshSince = accounts.clock.now.advanced(by: .zero - accounts.limits.freshLoginMax)
        let isClosed = try await asking { () throws(StoreError) in
            try await accounts.store.close(
                caller.user, asking: SessionID(caller.credential), freshSince: freshSince, until: context.rpc.deadline)
        }
        guard isClosed else { throw .loginTooOld("log in again, then delete the account") }
        // Others may have inherited the installation.
        accounts.callers.forget { _ in true }
        erasure.wake()
        return .nothing()
    }
}
