import Contracts
import Cryptography
import RPC
import Store

/// `scrobble.completeTrakt`: completes the authorization code flow with the parameters of the callback.
struct CompleteTrakt: Sendable {
    let account: TraktAccount?
    let connections: ListConnections
    let queue: QueueWorker

    func run(_ params: CompleteTraktParams, _ context: RPCContext) async throws(RPCError) -> ConnectOutcome {
        guard let account else { throw .traktIsOff }
        let result = try await asking { () throws(StoreError) in
            try await account.complete(
                params.user, code: Secret(params.code), state: Secret(params.state), iss: params.iss,
                until: context.deadline)
        }
        guard result == .connected else { return ConnectOutcome(result: result) }
        queue.announce()
        return ConnectOutcome(
            result: result, connection: try await connections.view(of: params.user, .trakt, context))
    }
}
