import Contracts
import RPC

/// `createHook`: the hook and the address that it has in this installation.
struct CreateHook: Sendable {
    let scrobble: ScrobbleClient
    let addresses: HookAddresses

    func run(
        _ input: CreateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewHook> {
        let params = CreateHookParams(
            user: caller.user, name: input.body.name, removesPlays: input.body.removesPlays, timeZone: caller.timeZone)
        let call = context.rpc.outgoing(idempotencyKey: input.idempotencyKey)
        return EdgeReply(addresses.shown(at: try await scrobble.createHook(params, call)))
    }
}
