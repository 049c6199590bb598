import Contracts
import RPC
import Store

/// `scrobble.startTraktDevice`: requests a code for a person to enter on another device.
struct StartTraktDevice: Sendable {
    let account: TraktAccount?

    func run(_ params: StartTraktDeviceParams, _ context: RPCContext) async throws(RPCError) -> DeviceInvitation {
        guard let account else { throw .traktIsOff }
        let invitation: DeviceInvitation?
        do throws(StoreError) {
            invitation = try await account.startDevice(params.user, until: context.deadline)
        } catch .conflict(constraint: "person_deleted") {
            throw .userNotFound("this account was deleted")
        } catch {
            throw error.asRPCError
        }
        guard let invitation else { throw .unavailable("Trakt is not issuing codes at the moment") }
        return invitation
    }
}
