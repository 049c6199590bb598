import Contracts
import Cryptography
import RPC

/// `deliverHook`: the same as `receiveHook`, with the secret as the bearer token instead of in the path.
struct DeliverHook: Sendable {
    let receive: ReceiveHook

    private static let prefix = TokenPrefix("reelay_hk_")

    func run(_ input: DeliverHookInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<HookReceipt> {
        // Any other token, such as that of a session, goes no further.
        guard let bearer = context.bearer, OpaqueToken(presented: Secret(bearer), prefix: Self.prefix) != nil else {
            throw .hookNotFound("no hook has this secret")
        }
        return try await receive.pass(input.body, to: bearer, context)
    }
}
