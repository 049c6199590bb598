import Contracts
import Cryptography
import Postgres
import Store

extension GatewayStore {
    /// A successful login.
    struct OpenedLogin: Sendable {
        let credentials: Credentials
        let session: NewSession
        let attempt: LoginAttempt
        /// The password's hash with current parameters, if the stored one has others.
        let newHash: String?
        /// When the second factor of which a code was taken was turned on; nil if none was taken.
        let shownFactor: Timestamp?
        /// A refresh token of the session that the client had before.
        var replaced: OpaqueToken?
    }

    /// Opens a session, ends the one that its client had and those that are too many, which are returned, and remembers
    /// the network. Throws `conflict` if, since the credentials were read, the account was closed, its password
    /// changed, or a second factor turned on of which no code was taken.
    func open(
        _ login: OpenedLogin, at now: Timestamp, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SessionID] {
        let user = PGValue.id(login.credentials.user)
        let session = login.session
        var statements = [
            GatewayQueries.lockPerson.bound([user]),
            GatewayQueries.openSession.bound([
                .id(session.id), user, .bytea(session.tokens.tokenDigest.bytes),
                .bytea(session.tokens.refreshDigest.bytes), .moment(now), .moment(session.tokens.expiresAt),
                .moment(session.tokens.refreshExpiresAt), .text(session.device), .text(session.address),
                .text(login.credentials.passwordHash), .moment(login.shownFactor),
            ]),
            GatewayQueries.endEarlierSessions.bound([
                user, .bytea(login.replaced?.digest.bytes), .bytea(login.replaced?.lineDigest.bytes),
                .int(limits.sessionsMax),
            ]),
        ]
        if let network = login.attempt.networkDigest {
            statements.append(GatewayQueries.knowNetwork.bound([user, .bytea(network), .moment(now)]))
            statements.append(GatewayQueries.forgetSurplusNetworks.bound([user, .int(limits.knownNetworksMax)]))
        }
        if let hash = login.newHash {
            statements.append(GatewayQueries.rehash.bound([user, .text(hash), .text(login.credentials.passwordHash)]))
        }
        // Last, since others wait for these rows; the cleared one is locked with the rest, in their order.
        statements += [
            GatewayQueries.refundFailures.bound([.byteaArray(login.attempt.subjects.map { Optional($0.digest) })]),
            GatewayQueries.clearFailures.bound([.bytea(login.attempt.cleared.digest)]),
        ]
        do throws(PGError) {
            return try await database.pool.rows(
                of: GatewayQueries.endEarlierSessions, together: statements, deadline: deadline)
        } catch {
            throw StoreError(error)
        }
    }

    /// Returns those sessions and keys that are still valid. `wantsFactor`: everybody must have a second factor.
    func alive(
        _ credentials: Set<UUIDBits>, wantsFactor: Bool, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Set<UUIDBits> {
        let asked = credentials.map { PGUUID(high: $0.high, low: $0.low) }
        return Set(
            try await database.rows(
                GatewayQueries.alive, [.uuidArray(asked), .moment(now), .bool(wantsFactor)], until: deadline))
    }

    /// Whom a token belongs to; nil if it has ended or never was. `wantsFactor`: everybody must have a second factor.
    func caller(
        of digest: SHA256Digest, isKey: Bool, wantsFactor: Bool, at now: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> EdgeCaller? {
        let statement = isKey ? GatewayQueries.keyCaller : GatewayQueries.sessionCaller
        return try await database.rows(
            statement, [.bytea(digest.bytes), .moment(now), .bool(wantsFactor)], until: deadline
        ).first
    }

    /// Returns valid tokens that were issued after `moment`: at most half as many as are remembered.
    func goodTokens(
        since moment: Timestamp, at now: Timestamp, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [SHA256Digest] {
        try await database.rows(
            GatewayQueries.goodTokens, [.moment(now), .moment(moment), .int(limits.goodTokensMax / 4)], until: deadline
        ).compactMap(SHA256Digest.init)
    }

    /// Returns the session that a refresh token continues, with `tokens`, which are derived from it and `salt`, or with
    /// those that it was given a moment ago; nil for a worthless token.
    func refresh(
        _ presented: OpaqueToken, to tokens: TokenPair, salt: [UInt8], at now: Timestamp, limits: GatewayLimits,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> RenewedSession? {
        let grace = PGValue.moment(now.advanced(by: .zero - limits.refreshGrace))
        let shown = PGValue.bytea(presented.digest.bytes)
        let renewed = try await database.rows(
            GatewayQueries.refreshSession,
            [
                shown, .moment(now), .bytea(tokens.tokenDigest.bytes), .bytea(tokens.refreshDigest.bytes),
                .moment(tokens.expiresAt), .moment(tokens.refreshExpiresAt),
                .int(Int(limits.sessionLifeMax.components.seconds)), grace, .bytea(salt),
                .bytea(presented.lineDigest.bytes),
            ], until: deadline
        ).first
        if let renewed { return renewed }
        // Second, since a concurrent request with the same token has then been waited for.
        return try await database.rows(
            GatewayQueries.renewedSession, [shown, .moment(now), grace], until: deadline
        ).first
    }

    /// Ends and returns the session that had a refresh token for which `refresh` has nothing; nil if there is none. To
    /// be called last: a token that others present at the same moment is used by then.
    func endStolen(
        _ presented: OpaqueToken, at now: Timestamp, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> StolenSession? {
        try await database.rows(
            GatewayQueries.endStolenSession,
            [
                .bytea(presented.digest.bytes), .moment(now.advanced(by: .zero - limits.refreshGrace)),
                .bytea(presented.lineDigest.bytes),
            ], until: deadline
        ).first
    }

    func sessions(
        of user: UserID, at now: Timestamp, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> [Session] {
        try await database.rows(
            GatewayQueries.sessions,
            [
                .id(user), .moment(now), .int(limits.sessionsMax),
                .int(Int(limits.freshLoginMax.components.seconds)),
            ], until: deadline)
    }

    /// Ends a session; returns whether the person had it.
    func end(
        _ session: SessionID, of user: UserID, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(GatewayQueries.endSession, [.id(user), .id(session)], until: deadline).isEmpty
    }

    /// Ends a session at the request of `asking`, the same one or another; another one only if `asking` logged in after
    /// `freshSince`.
    func end(
        _ session: SessionID, of user: UserID, asking: SessionID, freshSince: Timestamp,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SessionEnding {
        let outcome = try await database.rows(
            GatewayQueries.endProvenSession, [.id(user), .id(session), .id(asking), .moment(freshSince)],
            until: deadline
        ).first
        guard let outcome else { throw .fault("ending a session returned no row") }
        return outcome
    }

    /// Ends all sessions but the requesting one; false, ending none, if that did not log in after `freshSince`.
    func endSessions(
        of user: UserID, but asking: SessionID, freshSince: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.rows(
            GatewayQueries.endProvenSessions, [.id(user), .id(asking), .moment(freshSince)], until: deadline
        ).first ?? false
    }

    /// Writes when sessions and keys were last used.
    func note(_ uses: LastUses.Collected, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        for (statement, moments) in [
            (GatewayQueries.noteSessionUses, uses.sessions), (GatewayQueries.noteKeyUses, uses.keys),
        ] where !moments.isEmpty {
            let rows = Array(moments)
            try await database.run(
                statement,
                [
                    .uuidArray(rows.map { PGUUID(high: $0.key.high, low: $0.key.low) }),
                    .timestampArray(rows.map { PGTimestamp(microseconds: $0.value.microsecondsSinceEpoch) }),
                ], until: deadline)
        }
    }
}
