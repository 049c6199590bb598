import Contracts
import Edge
import JSON
import Postgres
import RPC
import Store

/// `updateMe`: changes the given fields. Preconditions are checked against the row in one step with the change.
struct UpdateMe: Sendable {
    let accounts: Accounts
    let once: OnceStore
    let scrobble: ScrobbleClient

    func run(
        _ input: UpdateMeInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<User> {
        let deadline = context.rpc.deadline
        let change = input.body
        if let zone = change.timeZone {
            let isKnown = try await asking { () throws(StoreError) in
                try await accounts.store.isTimeZone(zone, until: deadline)
            }
            if !isKnown { throw .unknownTimeZone("time_zone: \(zone) is not a time zone") }
        }
        let changed: User = try await once.write(
            OnceStore.Mark(context, caller), until: deadline
        ) { transaction throws(PGError) in
            try await Self.change(caller.user, change, context, transaction)
        }
        accounts.callers.forget { $0.user == caller.user }
        if change.timeZone != nil { try await tell(caller.user, context) }
        return EdgeReply(changed)
    }

    /// Hooks receive without their person, and use the zone that scrobble knows. If scrobble cannot be told, the change
    /// stands, and the caller, who gets the error, can tell it by repeating the request, even under the same key. Sends
    /// the zone that the account has by now, so that the later of two changes wins.
    private func tell(_ user: UserID, _ context: EdgeContext) async throws(RPCError) {
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(user, until: context.rpc.deadline)
        }
        guard let stored else { return }
        do throws(RPCError) {
            _ = try await scrobble.setTimeZone(
                SetTimeZoneParams(user: user, timeZone: stored.user.timeZone), context.rpc.outgoing())
        } catch {
            // A scrobble of the previous release, during an upgrade: its hooks keep the zone they were made with.
            guard error.code == RPCError.Code.methodNotFound else { throw error }
        }
    }

    private static func change(
        _ user: UserID, _ change: UserChange, _ context: EdgeContext, _ transaction: PGTransaction
    ) async throws(PGError) -> Result<User, RPCError> {
        guard let stored = try await transaction.first(GatewayQueries.userToChange, [.id(user)]) else {
            return .failure(.unauthenticated("the account no longer exists"))
        }
        guard context.allowsWrite(of: EntityTag.of(encodeJSON(stored.user))) else {
            return .failure(.preconditionFailed("the account's state is not the one that the request expects"))
        }
        let settings = change.settings.map(stored.user.settings.applying) ?? stored.user.settings
        let changed = try await transaction.first(
            GatewayQueries.updateUser,
            [.id(user), .text(change.timeZone ?? stored.user.timeZone), .json(settings)])
        return changed.map { .success($0) } ?? .failure(.unauthenticated("the account no longer exists"))
    }
}
