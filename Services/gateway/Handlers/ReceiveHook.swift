import Contracts
import RPC

/// `receiveHook`: takes what a media server sends, in any form. The secret in the path goes no further than scrobble.
struct ReceiveHook: Sendable {
    let scrobble: ScrobbleClient

    func run(_ input: ReceiveHookInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<HookReceipt> {
        var params = ReceiveHookParams(secret: input.hook)
        switch HookForm(input.body) {
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
