import Contracts
import RPC

/// The operations on playback, media servers and events that the route tests do not call.
extension EchoGateway {
    func setPlaybackSettings(
        _ input: SetPlaybackSettingsInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<PlaybackSettings> { throw .forbidden() }

    func updateHook(
        _ input: UpdateHookInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<Hook> { throw .forbidden() }

    func deliverHook(
        _ input: DeliverHookInput, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<HookReceipt> { throw .forbidden() }

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
