internal import Contracts
package import Cryptography
internal import Edge
internal import JSON
internal import RPC
package import Store

/// Who may make an account once there is a first person.
package enum RegistrationPolicy: String, Sendable, CaseIterable {
    /// Nobody.
    case first
    /// Who shows an invitation.
    case invite
    /// Everybody.
    case open
}

/// Who has to have a second factor.
package enum SecondFactorPolicy: String, Sendable, CaseIterable {
    /// Nobody; whoever wants one has one.
    case optional
    /// Everybody, for everything but getting one.
    case required
}

/// What everything about accounts needs.
package struct Accounts: Sendable {
    static let sessionPrefix = TokenPrefix("reelay_st_")
    static let refreshPrefix = TokenPrefix("reelay_rt_")
    static let keyPrefix = TokenPrefix("reelay_ak_")
    static let invitePrefix = TokenPrefix("reelay_in_")

    let store: GatewayStore
    let hasher: PasswordHasher
    let clock: any WallClock
    let ids: any IDSource
    let registration: RegistrationPolicy
    let secondFactor: SecondFactorPolicy
    let factors: SecondFactorStore
    let limits: GatewayLimits
    let callers: CallerCache
    let uses: LastUses

    /// `secret` is shared by all copies of the gateway; what seals second factors follows from it.
    package init(
        store: GatewayStore, hasher: PasswordHasher, clock: any WallClock, ids: any IDSource,
        registration: RegistrationPolicy, secret: Secret, secondFactor: SecondFactorPolicy = .optional,
        limits: GatewayLimits = GatewayLimits()
    ) {
        self.store = store
        self.hasher = hasher
        self.clock = clock
        self.ids = ids
        self.registration = registration
        self.secondFactor = secondFactor
        factors = SecondFactorStore(database: store.database, secret: secret)
        self.limits = limits
        callers = CallerCache(limits: limits)
        uses = LastUses(limits: limits)
    }

    /// Those sessions and keys that still count for more than getting a second factor.
    func alive(_ credentials: Set<UUIDBits>) async throws(StoreError) -> Set<UUIDBits> {
        try await store.alive(
            credentials, wantsFactor: secondFactor == .required, at: clock.now, until: .now + .seconds(2))
    }

    /// A session that begins, and the tokens that open it and carry it on.
    func newSession(
        at now: Timestamp, device: String? = nil, address: String? = nil
    ) -> (session: GatewayStore.NewSession, token: OpaqueToken, refresh: OpaqueToken) {
        let token = OpaqueToken(prefix: Self.sessionPrefix)
        let refresh = OpaqueToken(prefix: Self.refreshPrefix)
        let session = GatewayStore.NewSession(
            id: SessionID(ids.next()), tokens: stored(token, refresh, at: now), device: device,
            address: address.flatMap { $0.isEmpty ? nil : $0 })
        return (session, token, refresh)
    }

    /// The session that a refresh token carries on, with its next pair of tokens: the same ones each time within the grace,
    /// so that none of those who have got an answer is shut out by another. Nil for a token that is worth nothing; one that a
    /// session had earlier ends it, of which `subject` is told.
    func renew(
        _ presented: OpaqueToken, for subject: EdgeSubject, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> (session: RenewedSession, token: OpaqueToken, refresh: OpaqueToken)? {
        func following(_ salt: [UInt8]) -> (token: OpaqueToken, refresh: OpaqueToken) {
            (
                OpaqueToken(prefix: Self.sessionPrefix, after: presented, salt: salt),
                OpaqueToken(prefix: Self.refreshPrefix, continuing: presented, salt: salt)
            )
        }
        let now = clock.now
        let salt = RandomBytes.make(Self.saltBytes)
        let (token, refresh) = following(salt)
        let renewed = try await asking { () throws(StoreError) in
            try await store.refresh(
                presented, to: stored(token, refresh, at: now), salt: salt, at: now, limits: limits, until: deadline)
        }
        guard let renewed else {
            let stolen = try await asking { () throws(StoreError) in
                try await store.endStolen(presented, at: now, limits: limits, until: deadline)
            }
            if let stolen {
                callers.forget { $0.credential == stolen.id.uuid }
                subject.tell(person: stolen.user)
                subject.tell(object: stolen.id.uuid)
            }
            return nil
        }
        let tokens = following(renewed.salt)
        if tokens.refresh.digest.bytes == renewed.refreshHash { return (renewed, tokens.token, tokens.refresh) }
        // A copy of the version before was asked first, whose refresh tokens have no line.
        let unlined = OpaqueToken(prefix: Self.refreshPrefix, after: presented, salt: renewed.salt)
        return (renewed, tokens.token, unlined)
    }

    private static let saltBytes = 32

    private func stored(
        _ token: OpaqueToken, _ refresh: OpaqueToken, at now: Timestamp
    ) -> GatewayStore.TokenPair {
        GatewayStore.TokenPair(
            tokenDigest: token.digest, refreshDigest: refresh.digest, expiresAt: now.advanced(by: limits.tokenLife),
            refreshExpiresAt: now.advanced(by: limits.sessionIdleMax))
    }

    /// What a bearer token is worth: nothing for junk, and for sessions and keys that have ended.
    func credentials(_ token: String) -> EdgeCredentials {
        let secret = Secret(token)
        let digest: SHA256Digest
        let isKey: Bool
        if let session = OpaqueToken(presented: secret, prefix: Self.sessionPrefix) {
            (digest, isKey) = (session.digest, false)
        } else if let key = APIKey(presented: secret, prefix: Self.keyPrefix) {
            (digest, isKey) = (key.digest, true)
        } else {
            return .nobody
        }
        if let known = callers.caller(of: digest) {
            uses.note(known.credential, isKey: isKey, at: clock.now)
            return .caller(known)
        }
        return .unread(wasGood: callers.wasGood(digest)) { (deadline) async throws(RPCError) in
            try await caller(of: digest, isKey: isKey, until: deadline)
        }
    }

    private func caller(
        of digest: SHA256Digest, isKey: Bool, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) -> EdgeCaller? {
        let now = clock.now
        let found = try await asking { () throws(StoreError) in
            try await store.caller(
                of: digest, isKey: isKey, wantsFactor: secondFactor == .required, at: now, until: deadline)
        }
        guard let found else {
            callers.forget(digest)
            return nil
        }
        // What a given password keeps away is there at every copy as soon as it is changed, as with a second factor that is missing.
        if found.hasGivenPassword || found.lacksSecondFactor {
            callers.learn([digest])
        } else {
            callers.remember(found, for: digest)
        }
        uses.note(found.credential, isKey: isKey, at: now)
        return found
    }

    /// Since when a session must have begun by a login that ends others, or the account.
    var reauthenticatedSince: Timestamp { clock.now.advanced(by: .zero - limits.freshLoginMax) }

    /// Hashes a password that was found good enough.
    func hash(_ password: String) async throws(RPCError) -> String {
        do {
            return try await hasher.hash(Secret(password))
        } catch {
            throw error.asRPCError
        }
    }

    /// Checks a password against a PHC string.
    func verify(_ password: String, against hash: String) async throws(RPCError) -> PasswordVerdict {
        do {
            return try await hasher.verify(Secret(password), against: hash)
        } catch {
            throw error.asRPCError
        }
    }

    /// The same where that is an attempt. One that could not be checked is taken back: it was no wrong one.
    func verify(
        _ password: String, against hash: String, _ attempt: LoginAttempt
    ) async throws(RPCError) -> PasswordVerdict {
        do throws(RPCError) {
            return try await verify(password, against: hash)
        } catch {
            await takeBack(attempt)
            throw error
        }
    }

    /// Does what a right password was shown for. Where that fails the attempt is taken back: it was no wrong one.
    func afterMatch<Value: Sendable>(
        _ attempt: LoginAttempt, _ work: () async throws(RPCError) -> Value
    ) async throws(RPCError) -> Value {
        do throws(RPCError) {
            return try await work()
        } catch {
            await takeBack(attempt)
            throw error
        }
    }

    /// Does what a code of a second factor is shown for. A wrong one stays counted; any other failure takes the attempt back.
    func afterCode<Value: Sendable>(
        _ attempt: LoginAttempt, _ work: () async throws(RPCError) -> Value
    ) async throws(RPCError) -> Value {
        do throws(RPCError) {
            return try await work()
        } catch {
            if error.code != RegistryError.wrongCode.code { await takeBack(attempt) }
            throw error
        }
    }

    /// Also where the caller has gone, and this task with it.
    private func takeBack(_ attempt: LoginAttempt) async {
        let store = store
        await Task { try? await store.refund(attempt, until: .now + .seconds(5)) }.value
    }

    /// Counts an attempt before it is made; throws `tooManyAttempts` where it must wait.
    func admit(_ attempt: LoginAttempt, until deadline: ContinuousClock.Instant) async throws(RPCError) {
        let wait = try await asking { () throws(StoreError) in
            try await store.admit(attempt, limits: limits, until: deadline)
        }
        if let wait { throw .waiting(wait) }
    }
}

extension RPCError {
    /// The login of the session that asks was not lately.
    static var notReauthenticated: RPCError {
        .loginTooOld("log in again, with the refresh_token of this session, then ask again")
    }

    static var noSecondFactor: RPCError { .secondFactorNotFound("there is no second factor; begin one") }
    static var hasSecondFactor: RPCError { .secondFactorExists("a second factor is on; remove it first") }
    static var codeIsWrong: RPCError { .wrongCode("code: is wrong, or was used already") }

    /// Too many attempts; `seconds` is told as Retry-After.
    static func waiting(_ seconds: Int) -> RPCError {
        .tooManyAttempts(
            "too many attempts; try again in \(seconds) s", data: JSONBytes(encoding: ["retry_after_seconds": seconds]))
    }
}

extension PasswordError {
    /// What a caller is told.
    var asRPCError: RPCError {
        switch self {
        case .busy: .overloaded("too many passwords are being checked; try again in a moment")
        case .cancelled: .cancelled("the caller withdrew the call")
        case .tooLong, .containsNUL: .invalidRequest("password: cannot be used")
        case .unavailable: .unavailable("passwords cannot be checked now")
        case .malformedHash:
            .internal("the service failed; its log says why").because("a stored password hash cannot be read")
        }
    }
}
