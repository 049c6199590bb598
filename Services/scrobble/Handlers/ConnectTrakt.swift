import Contracts
import RPC
import Store

/// `scrobble.connectTrakt`: the URL to send the browser to for the authorization code flow.
struct ConnectTrakt: Sendable {
    let account: TraktAccount?

    func run(_ params: ConnectTraktParams, _ context: RPCContext) async throws(RPCError) -> ConnectInvitation {
        guard let account else { throw .traktIsOff }
        do throws(StoreError) {
            return try await account.connect(params.user, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
    }
}

extension RPCError {
    /// The error if Trakt has no application for this installation, so that nobody can connect.
    static var traktIsOff: RPCError {
        .unavailable("Trakt is off in this installation; its operator can turn it on with REELAY_TRAKT_CLIENT_ID")
    }
}
