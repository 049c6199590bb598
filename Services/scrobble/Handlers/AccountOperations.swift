package import Contracts
package import RPC
import Store

/// The operations on connected accounts.
extension ScrobbleService {
    private var list: ListConnections {
        ListConnections(
            store: connections,
            available: Set((trakt == nil ? [] : [SyncProvider.trakt]) + (simkl == nil ? [] : [SyncProvider.simkl])))
    }

    package func listConnections(
        _ params: ListConnectionsParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectionList {
        try await list.run(params, context)
    }

    package func updateConnection(
        _ params: UpdateConnectionParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectionView {
        try await UpdateConnection(connections: list, queue: queue, clock: clock).run(params, context)
    }

    package func disconnect(_ params: DisconnectParams, _ context: RPCContext) async throws(RPCError) -> Disconnection {
        try await Disconnect(store: connections, account: trakt, simkl: simkl, clock: clock).run(params, context)
    }

    package func connectTrakt(
        _ params: ConnectTraktParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectInvitation {
        try await ConnectTrakt(account: trakt).run(params, context)
    }

    package func completeTrakt(
        _ params: CompleteTraktParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectOutcome {
        try await CompleteTrakt(account: trakt, connections: list, queue: queue).run(params, context)
    }

    package func connectSimkl(
        _ params: ConnectSimklParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectInvitation {
        try await ConnectSimkl(account: simkl).run(params, context)
    }

    package func completeSimkl(
        _ params: CompleteSimklParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectOutcome {
        try await CompleteSimkl(account: simkl, connections: list, queue: queue).run(params, context)
    }

    package func startSimklPin(
        _ params: StartSimklPinParams, _ context: RPCContext
    ) async throws(RPCError) -> DeviceInvitation {
        try await StartSimklPin(account: simkl).run(params, context)
    }

    package func pollSimklPin(
        _ params: PollSimklPinParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectOutcome {
        try await PollSimklPin(account: simkl, connections: list, queue: queue).run(params, context)
    }

    package func startTraktDevice(
        _ params: StartTraktDeviceParams, _ context: RPCContext
    ) async throws(RPCError) -> DeviceInvitation {
        try await StartTraktDevice(account: trakt).run(params, context)
    }

    package func pollTraktDevice(
        _ params: PollTraktDeviceParams, _ context: RPCContext
    ) async throws(RPCError) -> ConnectOutcome {
        try await PollTraktDevice(account: trakt, connections: list, queue: queue).run(params, context)
    }
}
