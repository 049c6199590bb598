import Contracts
import RPC
import Store

/// `scrobble.pollTraktDevice`: the status of a device flow.
struct PollTraktDevice: Sendable {
    let account: TraktAccount?
    let connections: ListConnections
    let queue: QueueWorker

    func run(_ params: PollTraktDeviceParams, _ context: RPCContext) async throws(RPCError) -> ConnectOutcome {
        guard let account else { throw .traktIsOff }
        let (result, retryAfter) = try await asking { () throws(StoreError) in
            try await account.pollDevice(params.user, params.flow, until: context.deadline)
        }
        guard result == .connected else {
            return ConnectOutcome(
                result: result, retryAfterSeconds: retryAfter.map { Int($0.inSeconds.rounded(.up)) })
        }
        queue.announce()
        return ConnectOutcome(
            result: result, connection: try await connections.view(of: params.user, .trakt, context))
    }
}
