import Contracts
import RPC

/// `updateHook`: changes the given fields. Preconditions are checked in one step with the change.
struct UpdateHook: Sendable {
    let scrobble: ScrobbleClient

    func run(
        _ input: UpdateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Hook> {
        let expected = try await context.expected { () throws(RPCError) in
            try await scrobble.getHook(GetHookParams(user: caller.user, hook: input.hook), context.rpc.outgoing())
        }
        let params = UpdateHookParams(
            user: caller.user, hook: input.hook, name: input.body.name, removesPlays: input.body.removesPlays,
            forgetServer: input.body.forgetServer, expected: expected)
        return EdgeReply(try await scrobble.updateHook(params, context.rpc.outgoing()))
    }
}
