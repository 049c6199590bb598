import Contracts
import Cryptography
import RPC
import Store

/// `scrobble.completeSimkl`: completes the authorization code flow with the parameters of the callback.
struct CompleteSimkl: Sendable {
    let account: SimklAccount?
    let connections: ListConnections
    let queue: QueueWorker

    func run(_ params: CompleteSimklParams, _ context: RPCContext) async throws(RPCError) -> ConnectOutcome {
        guard let account else { throw .simklIsOff }
        let result = try await asking { () throws(StoreError) in
            try await account.complete(
                params.user, code: Secret(params.code), state: Secret(params.state), iss: params.iss,
                until: context.deadline)
        }
        guard result == .connected else { return ConnectOutcome(result: result) }
        queue.announce()
        return ConnectOutcome(
            result: result, connection: try await connections.view(of: params.user, .simkl, context))
    }
}
