import Contracts
import RPC
import Store

/// `assignHookAccount`: says whose an account at a media server is. What others watch is theirs, so only an
/// administrator can assign an account to somebody else.
struct AssignHookAccount: Sendable {
    let accounts: Accounts
    let scrobble: ScrobbleClient

    func run(
        _ input: AssignHookAccountInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookAccount> {
        var params = AssignHookAccountParams(
            user: caller.user, hook: input.hook, account: input.account, isIgnored: input.body.isIgnored)
        if let name = input.body.person {
            let person = try await person(Username(name), caller, context)
            (params.person, params.timeZone) = (person.id, person.timeZone)
        }
        return EdgeReply(try await scrobble.assignHookAccount(params, context.rpc.outgoing()))
    }

    private func person(
        _ name: Username, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> User {
        let mine = try await asking { () throws(StoreError) in
            try await accounts.store.user(caller.user, until: context.rpc.deadline)
        }
        if let mine, Username(mine.user.username).key == name.key { return mine.user }
        guard caller.isAdministrator else {
            throw .forbidden("only an administrator may assign an account to somebody else")
        }
        let other = try await asking { () throws(StoreError) in
            try await accounts.store.user(named: name, until: context.rpc.deadline)
        }
        guard let other else { throw .userNotFound("no user has this name") }
        return other.user
    }
}
