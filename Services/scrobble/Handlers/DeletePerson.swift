import Contracts
import RPC
import Store

/// `scrobble.deletePerson`: deletes everything of a person and rejects whatever arrives late. Repeating it changes
/// nothing.
struct DeletePerson: Sendable {
    let store: ScrobbleStore
    let account: TraktAccount?
    let simkl: SimklAccount?
    let clock: any WallClock

    func run(_ params: DeletePersonParams, _ context: RPCContext) async throws(RPCError) -> PersonDeletion {
        // Revokes the tokens before they are deleted here. If the other side cannot be reached, the deletion goes
        // ahead.
        if let account { _ = try? await account.disconnect(params.user, until: context.deadline) }
        if let simkl { _ = try? await simkl.disconnect(params.user, until: context.deadline) }
        let isNew = try await asking { () throws(StoreError) in
            try await store.deletePerson(params.user, at: clock.now, until: context.deadline)
        }
        return PersonDeletion(removed: isNew)
    }
}
