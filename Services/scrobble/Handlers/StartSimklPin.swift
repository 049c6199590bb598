import Contracts
import RPC
import Store

/// `scrobble.startSimklPin`: requests a code for a person to enter at Simkl.
struct StartSimklPin: Sendable {
    let account: SimklAccount?

    func run(_ params: StartSimklPinParams, _ context: RPCContext) async throws(RPCError) -> DeviceInvitation {
        guard let account else { throw .simklIsOff }
        let invitation: DeviceInvitation?
        do throws(StoreError) {
            invitation = try await account.start(params.user, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
        guard let invitation else { throw .unavailable("Simkl is not issuing codes at the moment") }
        return invitation
    }
}

extension RPCError {
    /// The error if Simkl has no application for this installation, so that nobody can connect.
    static var simklIsOff: RPCError {
        .unavailable("Simkl is off in this installation; its operator can turn it on with REELAY_SIMKL_CLIENT_ID")
    }
}
