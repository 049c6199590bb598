import Contracts
import RPC
import Store

/// `scrobble.pollSimklPin`: the status of a code.
struct PollSimklPin: Sendable {
    let account: SimklAccount?
    let connections: ListConnections
    let queue: QueueWorker

    func run(_ params: PollSimklPinParams, _ context: RPCContext) async throws(RPCError) -> ConnectOutcome {
        guard let account else { throw .simklIsOff }
        let (result, retryAfter) = try await asking { () throws(StoreError) in
            try await account.poll(params.user, params.flow, until: context.deadline)
        }
        guard result == .connected else {
            return ConnectOutcome(
                result: result, retryAfterSeconds: retryAfter.map { Int($0.inSeconds.rounded(.up)) })
        }
        queue.announce()
        return ConnectOutcome(
            result: result, connection: try await connections.view(of: params.user, .simkl, context))
    }
}
