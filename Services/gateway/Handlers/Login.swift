import Contracts
import Cryptography
import RPC
import Store

/// `login`: opens a session. An unknown name and a wrong password get the same answer after the same work: the same
/// statements on rows of the same size, and a check against a hash of the same cost. The same goes for a password that
/// an administrator gave and that was not changed in time. If the person has a second factor, a caller who knows the
/// password is told that a code is missing; a wrong code gets the answer of a wrong password, and is counted as one.
struct Login: Sendable {
    let accounts: Accounts

    func run(_ input: LoginInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        let username = Username(input.body.username)
        context.subject.tell(username: username.key)
        var known = try await credentials(of: username, context)
        let attempt = LoginAttempt.login(
            username, from: context.clientAddress, isKnown: known.areFromKnownNetwork, limits: accounts.limits)
        try await accounts.admit(attempt, until: context.rpc.deadline)
        var factor: SecondFactorStore.Verdict?
        while true {
            let verdict = try await accounts.verify(input.body.password, against: known.passwordHash, attempt)
            guard known.areSomebodys, !known.haveExpired(at: accounts.clock.now), case .match(let needsRehash) = verdict
            else { throw Self.refusal }
            // A hash that cannot be made now is made at a later login; a given password must be changed anyway.
            let newHash: String?
            if needsRehash, known.givenUntil == nil {
                newHash = try? await accounts.hash(input.body.password)
            } else {
                newHash = nil
            }
            let checked = known
            if factor == nil {
                factor = try await accounts.afterMatch(attempt) { () async throws(RPCError) in
                    try await take(input.body.code, of: checked, context)
                }
            }
            guard factor != .wrong else { throw Self.refusal }
            let shownFactor: Timestamp? = if case .taken(let moment)? = factor { moment } else { nil }
            let grant = try await accounts.afterMatch(attempt) { () async throws(RPCError) in
                try await open(checked, attempt, newHash, shownFactor, input.body, context)
            }
            if let grant { return EdgeReply(grant) }
            let present = try await accounts.afterMatch(attempt) { () async throws(RPCError) in
                try await credentials(of: username, context)
            }
            // The account was just closed, or its second factor turned on.
            guard present.passwordHash != known.passwordHash else { throw Self.refusal }
            // Another password, or the same one with other parameters: what was shown must match what is stored now.
            known = present
        }
    }

    private func credentials(of username: Username, _ context: EdgeContext) async throws(RPCError) -> Credentials {
        let network = LoginAttempt.network(of: username, from: context.clientAddress)
        return try await asking { () throws(StoreError) in
            try await accounts.store.credentials(
                of: username, from: network, decoy: accounts.hasher.decoy, until: context.rpc.deadline)
        }
    }

    /// Takes the code of a login; throws `secondFactorRequired` if it is missing. Delays alone would let whoever knows
    /// the password guess forever; where the person has logged in before they suffice, so that nobody is locked out
    /// there.
    private func take(
        _ code: String?, of known: Credentials, _ context: EdgeContext
    ) async throws(RPCError) -> SecondFactorStore.Verdict {
        let verdict = try await asking { () throws(StoreError) in
            try await accounts.factors.take(
                code, of: known.user, at: accounts.clock.now,
                wrongMax: known.areFromKnownNetwork ? nil : accounts.limits.wrongCodesMax,
                until: context.rpc.deadline)
        }
        guard verdict != .missing else { throw .secondFactorRequired("code: is missing; log in again with one") }
        return verdict
    }

    /// Returns nil if the account has been closed, its password changed since the check, or a second factor turned on
    /// of which no code was taken.
    private func open(
        _ known: Credentials, _ attempt: LoginAttempt, _ newHash: String?, _ shownFactor: Timestamp?,
        _ body: LoginRequest,
        _ context: EdgeContext
    ) async throws(RPCError) -> SessionGrant? {
        let deadline = context.rpc.deadline
        let now = accounts.clock.now
        let (session, token, refresh) = accounts.newSession(
            at: now, device: body.device, address: context.clientAddress)
        let replaced = body.refreshToken.flatMap { OpaqueToken(presented: Secret($0), prefix: Accounts.refreshPrefix) }
        let stored = try await asking { () throws(StoreError) in
            try await accounts.store.user(known.user, until: deadline)
        }
        guard let stored else { throw Self.refusal }
        do {
            let ended = try await accounts.store.open(
                GatewayStore.OpenedLogin(
                    credentials: known, session: session, attempt: attempt, newHash: newHash,
                    shownFactor: shownFactor, replaced: replaced),
                at: now, limits: accounts.limits, until: deadline)
            context.subject.tell(objects: ended.map(\.uuid))
        } catch .conflict {
            return nil
        } catch {
            throw error.asRPCError
        }
        if replaced != nil { accounts.callers.forget { $0.user == known.user && $0.scopes == nil } }
        accounts.callers.learn([token.digest])
        context.subject.tell(person: known.user)
        return SessionGrant(session, token, refresh, stored.user)
    }

    private static var refusal: RPCError { .invalidCredentials("the user name or password is wrong") }
}
