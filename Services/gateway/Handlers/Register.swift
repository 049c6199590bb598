import Contracts
import Cryptography
import RPC
import Store

/// `register`: makes an account and opens its first session. The first person becomes the administrator.
struct Register: Sendable {
    let accounts: Accounts

    func run(_ input: RegisterInput, _ context: EdgeContext) async throws(RPCError) -> EdgeReply<SessionGrant> {
        let deadline = context.rpc.deadline
        let body = input.body
        let username = Username(body.username)
        context.subject.tell(username: username.key)
        let invite = try await admission(body.invite, until: deadline)
        try await accounts.checkNew(body.password, of: username, until: deadline)
        let hash = try await accounts.hash(body.password)
        let now = accounts.clock.now
        let (session, token, refresh) = accounts.newSession(
            at: now, device: body.device, address: context.clientAddress)
        let account = GatewayStore.NewAccount(
            id: UserID(accounts.ids.next()), username: username, passwordHash: hash, at: now, session: session)
        let user: User?
        do {
            user = try await accounts.store.register(
                account, isOpen: accounts.registration == .open && invite == nil, invite: invite, until: deadline)
        } catch .conflict(constraint: "users_username_key_key") {
            throw .usernameTaken("this user name is taken")
        } catch {
            throw error.asRPCError
        }
        guard let user else { throw invite == nil ? Self.closed : Self.noInvite }
        accounts.callers.learn([token.digest])
        context.subject.tell(person: user.id)
        return EdgeReply(SessionGrant(session, token, refresh, user))
    }

    /// The digest of the invitation, if one is needed. This check only saves the hash; the insert decides.
    private func admission(
        _ code: String?, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> SHA256Digest? {
        if accounts.registration == .open, code == nil { return nil }
        let isFounded = try await asking { () throws(StoreError) in
            try await accounts.store.isFounded(until: deadline)
        }
        if !isFounded { return nil }
        guard accounts.registration != .first, let code else { throw Self.closed }
        guard let token = OpaqueToken(presented: Secret(code), prefix: Accounts.invitePrefix) else {
            throw Self.noInvite
        }
        let isGood = try await asking { () throws(StoreError) in
            try await accounts.store.isInvite(token.digest, at: accounts.clock.now, until: deadline)
        }
        if !isGood { throw Self.noInvite }
        return token.digest
    }

    private static var closed: RPCError {
        .registrationClosed("this installation accepts no new accounts, or only with an invitation")
    }
    private static var noInvite: RPCError {
        .invalidInvite("this invitation does not exist, has been used or has expired")
    }
}

extension SessionGrant {
    /// The grant for a person who has just logged in or registered.
    init(_ session: GatewayStore.NewSession, _ token: OpaqueToken, _ refresh: OpaqueToken, _ user: User) {
        self.init(
            token: token.text.revealed, expiresAt: session.tokens.expiresAt, refreshToken: refresh.text.revealed,
            refreshExpiresAt: session.tokens.refreshExpiresAt, user: user)
    }
}
