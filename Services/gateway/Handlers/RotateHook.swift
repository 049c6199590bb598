import Contracts
import RPC

/// `rotateHook`: the hook with its new secret and the address that it has in this installation.
struct RotateHook: Sendable {
    let scrobble: ScrobbleClient
    let addresses: HookAddresses

    func run(
        _ input: RotateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewHook> {
        let params = RotateHookParams(user: caller.user, hook: input.hook, overlapSeconds: input.body.overlapSeconds)
        let call = context.rpc.outgoing(idempotencyKey: input.idempotencyKey)
        return EdgeReply(addresses.shown(at: try await scrobble.rotateHook(params, call)))
    }
}
