import Contracts
import RPC

/// `receiveHook`: takes what a media server sends, in any form. The secret in the path goes no further than scrobble.
struct ReceiveHook: Sendable {
    let scrobble: ScrobbleClient
    let addresses: HookAddresses

    func run(_ input: ReceiveHookInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<HookReceipt> {
        // Right or wrong, the secret is not looked up: the answer tells nothing about it.
        guard addresses.areTaken else {
            throw .hookNotFound("this installation takes the secrets of hooks in the header field Authorization alone")
        }
        return try await pass(input.body, to: input.hook, context)
    }

    /// Passes what a media server sent on to the hook with `secret`.
    func pass(
        _ body: EdgeBody, to secret: String, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookReceipt> {
        var params = ReceiveHookParams(secret: secret)
        switch HookForm(body) {
        case .told(let text): params.payload = text
        case .failed(let fault): params.fault = fault
        }
        let receipt = try await scrobble.receiveHook(params, context.rpc.outgoing())
        // What could not be read is recorded at the hook first, if there is one.
        switch params.fault {
        case .tooLarge?: throw .payloadTooLarge("the server's message is too large")
        case .wrongType?: throw .unsupportedMediaType("send JSON, or a form with a payload or data part")
        case .unreadable?: throw .unreadableHook("the form has no readable payload or data part")
        case nil: return EdgeReply(receipt)
        }
    }
}
