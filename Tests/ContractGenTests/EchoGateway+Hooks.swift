import Contracts
import RPC

/// What the tests of the routes do not ask of media servers and events.
extension EchoGateway {
    func receiveHook(
        _ input: ReceiveHookInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookReceipt> { throw .forbidden() }

    func assignHookAccount(
        _ input: AssignHookAccountInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookAccount> { throw .forbidden() }

    func streamEvents(
        _ input: StreamEventsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<EdgeStream> { throw .forbidden() }
}
