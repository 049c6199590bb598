internal import Contracts
package import Cryptography
internal import Edge
internal import JSON
internal import RPC
package import Store

/// Who may create an account once there is a first person.
package enum RegistrationPolicy: String, Sendable, CaseIterable {
    /// Nobody.
    case first
    /// Anybody with an invitation.
    case invite
    /// Everybody.
    case open
}

/// Who must have a second factor.
package enum SecondFactorPolicy: String, Sendable, CaseIterable {
    /// Nobody; everybody may have one.
    case optional
    /// Everybody, for everything but setting one up.
    case required
}

/// For how many seconds a one-time code is accepted.
package enum CodeLife: String, Sendable, CaseIterable {
    /// While its step is the current one (ASVS 6.5.5).
    case ownStep = "30"
    /// During the steps on either side too: clocks differ, and people type slowly (RFC 6238 §5.2).
    case neighbouringSteps = "90"

    /// How many steps a code may be away from the current one.
    var driftSteps: Int {
        switch self {
        case .ownStep: 0
        case .neighbouringSteps: 1
        }
    }
}

/// What all operations on accounts share.
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
    /// Nil if new passwords are not compared with breached ones.
    let breaches: BreachedPasswords?
    let limits: GatewayLimits
    let callers: CallerCache
    let uses: LastUses

    /// `secret` is shared by all copies of the gateway; the keys that seal second factors are derived from it.
    package init(
        store: GatewayStore, hasher: PasswordHasher, clock: any WallClock, ids: any IDSource,
        registration: RegistrationPolicy, secret: Secret, secondFactor: SecondFactorPolicy = .optional,
        codeLife: CodeLife = .neighbouringSteps, breaches: BreachedPasswords? = nil,
        limits: GatewayLimits = GatewayLimits()
    ) {
        self.store = store
        self.hasher = hasher
        self.clock = clock
        self.ids = ids
        self.registration = registration
        self.secondFactor = secondFactor
        factors = SecondFactorStore(database: store.database, secret: secret, codeLife: codeLife)
        self.breaches = breaches
        self.limits = limits
        callers = CallerCache(limits: limits)
        uses = LastUses(limits: limits)
    }

    /// Returns those of the sessions and keys that are still valid for more than setting up a second factor.
    func alive(_ credentials: Set<UUIDBits>) async throws(StoreError) -> Set<UUIDBits> {
        try await store.alive(
            credentials, wantsFactor: secondFactor == .required, at: clock.now, until: .now + .seconds(2))
    }

    /// Returns a new session with its bearer token and its refresh token.
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

    /// Returns the session that a refresh token continues, with its next pair of tokens: the same pair each time within
    /// the grace, so that no client that got an answer is shut out by another. Nil for a worthless token; an earlier
    /// token of a session ends that session, which is reported to `subject`.
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
        // A copy of the previous release, whose refresh tokens have no line, was asked first.
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

    /// Resolves a bearer token; junk, and tokens of sessions and keys that have ended, belong to nobody.
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
        // Not cached, so that every copy lifts the bar as soon as the password is changed or the factor set up.
        if found.hasGivenPassword || found.lacksSecondFactor {
            callers.learn([digest])
        } else {
            callers.remember(found, for: digest)
        }
        uses.note(found.credential, isKey: isKey, at: now)
        return found
    }

    /// The moment after which a session must have logged in for what requires a recent login.
    var reauthenticatedSince: Timestamp { clock.now.advanced(by: .zero - limits.freshLoginMax) }

    /// Throws `weakPassword` if a new password is easily guessed or known from data breaches. Where nobody can be asked
    /// about breaches, the local rules decide alone.
    func checkNew(
        _ password: String, of username: Username, until deadline: ContinuousClock.Instant
    ) async throws(RPCError) {
        var fault = PasswordPolicy.fault(password, username: username)
        if fault == nil, await breaches?.outcome(of: password, until: deadline) == .breached { fault = .breached }
        if let fault { throw .weakPassword(fault.explanation) }
    }

    /// Hashes a password that has been found good enough.
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

    /// Checks the password of an attempt. If the check fails to run, the attempt is refunded: it was not a wrong one.
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

    /// Does what a right password was shown for. If that fails, the attempt is refunded: it was not a wrong one.
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

    /// Does what a code of a second factor was shown for. A wrong one stays counted; other failures refund the attempt.
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

    /// Refunds an attempt, even if the caller is gone and this task is cancelled.
    private func takeBack(_ attempt: LoginAttempt) async {
        let store = store
        await Task { try? await store.refund(attempt, until: .now + .seconds(5)) }.value
    }

    /// Counts an attempt before it is made. Throws `tooManyAttempts` if it must wait.
    func admit(_ attempt: LoginAttempt, until deadline: ContinuousClock.Instant) async throws(RPCError) {
        let wait = try await asking { () throws(StoreError) in
            try await store.admit(attempt, limits: limits, until: deadline)
        }
        if let wait { throw .waiting(wait) }
    }
}

extension RPCError {
    /// The requesting session did not log in recently.
    static var notReauthenticated: RPCError {
        .loginTooOld("log in again with the refresh_token of this session, then repeat the request")
    }

    static var noSecondFactor: RPCError { .secondFactorNotFound("there is no second factor; begin one") }
    static var hasSecondFactor: RPCError { .secondFactorExists("a second factor is already set up; remove it first") }
    static var codeIsWrong: RPCError { .wrongCode("code: is wrong or has already been used") }

    /// Too many attempts; `seconds` is sent as Retry-After.
    static func waiting(_ seconds: Int) -> RPCError {
        .tooManyAttempts(
            "too many attempts; try again in \(seconds) s", data: JSONBytes(encoding: ["retry_after_seconds": seconds]))
    }
}

extension PasswordError {
    /// The error that a caller gets.
    var asRPCError: RPCError {
        switch self {
        case .busy: .overloaded("too many passwords are being checked; try again in a moment")
        case .cancelled: .cancelled("the caller cancelled the call")
        case .tooLong, .containsNUL: .invalidRequest("password: cannot be used")
        case .unavailable: .unavailable("passwords cannot currently be checked")
        case .malformedHash:
            .internal("the service failed; its log says why").because("a stored password hash cannot be read")
        }
    }
}
