import Contracts
import RPC
import Store

/// `scrobble.listHookAccounts`: the accounts that a hook knows, and whose they are.
struct ListHookAccounts: Sendable {
    let store: HookStore

    func run(_ params: ListHookAccountsParams, _ context: RPCContext) async throws(RPCError) -> HookAccountList {
        let accounts = try await asking { () throws(StoreError) in
            try await store.accounts(of: params.hook, params.user, until: context.deadline)
        }
        if accounts.isEmpty {
            _ = try await GetHook(store: store).run(GetHookParams(user: params.user, hook: params.hook), context)
        }
        return HookAccountList(accounts: accounts)
    }
}
