import Contracts
import RPC
import Store

/// `scrobble.connectSimkl`: the URL to send the browser to for the authorization code flow.
struct ConnectSimkl: Sendable {
    let account: SimklAccount?

    func run(_ params: ConnectSimklParams, _ context: RPCContext) async throws(RPCError) -> ConnectInvitation {
        guard let account else { throw .simklIsOff }
        do throws(StoreError) {
            return try await account.connect(params.user, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
    }
}
