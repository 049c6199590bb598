import Contracts
import RPC
import Store

/// `endSession`: ends one of a person's sessions. Only a recently logged-in session can end one other than itself.
struct EndSession: Sendable {
    let accounts: Accounts

    func run(
        _ input: EndSessionInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeNothing> {
        let outcome = try await asking { () throws(StoreError) in
            try await accounts.store.end(
                input.session, of: caller.user, asking: SessionID(caller.credential),
                freshSince: accounts.reauthenticatedSince, until: context.rpc.deadline)
        }
        switch outcome {
        case .ended: break
        case .absent: throw .loginNotFound("you have no such session")
        case .unproven: throw .notReauthenticated
        }
        accounts.callers.forget { $0.credential == input.session.uuid }
        return .nothing()
    }
}
