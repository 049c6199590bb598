import Contracts
import Cryptography
import Postgres
import RPC
import Store

/// `createApiKey`: makes a key with some of the person's rights; its text is shown here and never again.
struct CreateApiKey: Sendable {
    let accounts: Accounts
    let once: OnceStore

    func run(
        _ input: CreateApiKeyInput, _ caller: EdgeCaller, _ context: EdgeContext
    ) async throws(RPCError) -> EdgeReply<NewApiKey> {
        let body = input.body
        if body.scopes.contains(.admin), !caller.isAdministrator {
            throw .forbidden("only an administrator's key may have the scope admin")
        }
        let now = accounts.clock.now
        if let expiresAt = body.expiresAt, expiresAt <= now {
            // A request that was first sent before that moment gets its stored response all the same.
            let mark = OnceStore.Mark(context, caller)
            if let kept: NewApiKey = try await once.kept(mark, until: context.rpc.deadline) { return EdgeReply(kept) }
            throw .expiryInPast("expires_at: has passed")
        }
        let key = APIKey(prefix: Accounts.keyPrefix)
        let values: [PGValue] = [
            .id(APIKeyID(accounts.ids.next())), .id(caller.user), .text(body.name),
            .text(Accounts.keyPrefix.text + key.id), .bytea(key.digest.bytes),
            .textArray(body.scopes.map { Optional($0.rawValue) }), .moment(now), .moment(body.expiresAt),
            .int(accounts.limits.apiKeysMax),
        ]
        let made: NewApiKey = try await once.write(
            OnceStore.Mark(context, caller), until: context.rpc.deadline
        ) { transaction throws(PGError) in
            let user = PGValue.id(caller.user)
            try await transaction.execute(GatewayQueries.lockPerson, [user])
            let session = PGValue.id(SessionID(caller.credential))
            guard try await transaction.first(GatewayQueries.isSession, [user, session]) != nil else {
                return .failure(.unauthenticated("the session has ended"))
            }
            guard let stored = try await transaction.first(GatewayQueries.createKey, values) else {
                return .failure(.tooMany("you already have \(accounts.limits.apiKeysMax) keys"))
            }
            return .success(NewApiKey(token: key.text.revealed, apiKey: stored))
        }
        // A repeated request returns the key that was made the first time.
        if made.token == key.text.revealed { accounts.callers.learn([key.digest]) }
        context.subject.tell(object: made.apiKey.id.uuid)
        return EdgeReply(made)
    }
}
