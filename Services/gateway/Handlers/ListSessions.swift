import Contracts
import RPC
import Store

/// `listSessions`: where a person is logged in.
struct ListSessions: Sendable {
    let accounts: Accounts

    func run(
        _ input: ListSessionsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<SessionList> {
        var sessions = try await asking { () throws(StoreError) in
            try await accounts.store.sessions(
                of: caller.user, at: accounts.clock.now, limits: accounts.limits, until: context.rpc.deadline)
        }
        for index in sessions.indices { sessions[index].isCurrent = sessions[index].id.uuid == caller.credential }
        return EdgeReply(SessionList(items: sessions))
    }
}
