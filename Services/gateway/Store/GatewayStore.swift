package import Contracts
import Cryptography
import Postgres
package import Store

/// Accounts in Postgres; sessions, keys and what protects them are in the files next to it.
package struct GatewayStore: Sendable {
    let database: Database

    package init(database: Database) { self.database = database }

    /// An account that is being registered.
    struct NewAccount: Sendable {
        let id: UserID
        let username: Username
        let passwordHash: String
        let at: Timestamp
        let session: NewSession
    }

    /// The tokens that a session has from now on.
    struct TokenPair: Sendable {
        let tokenDigest: SHA256Digest
        let refreshDigest: SHA256Digest
        let expiresAt: Timestamp
        let refreshExpiresAt: Timestamp
    }

    /// A session that is being opened.
    struct NewSession: Sendable {
        let id: SessionID
        let tokens: TokenPair
        let device: String?
        let address: String?
    }

    /// Returns whether there is a first person already.
    func isFounded(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await !database.rows(GatewayQueries.founder, [], until: deadline).isEmpty
    }

    func isInvite(
        _ digest: SHA256Digest, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await !database.rows(GatewayQueries.isInvite, [.bytea(digest.bytes), .moment(now)], until: deadline).isEmpty
    }

    /// Makes the account and its first session; nil if registration is closed or `invite` is not valid. Throws
    /// `conflict` for a taken name.
    func register(
        _ account: NewAccount, isOpen: Bool, invite: SHA256Digest? = nil, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> User? {
        let session = account.session
        return try await database.rows(
            GatewayQueries.register,
            [
                .id(account.id), .text(account.username.display), .text(account.username.key),
                .text(account.passwordHash), .moment(account.at), .bool(isOpen), .bytea(invite?.bytes), .id(session.id),
                .bytea(session.tokens.tokenDigest.bytes), .bytea(session.tokens.refreshDigest.bytes),
                .moment(session.tokens.expiresAt), .moment(session.tokens.refreshExpiresAt), .text(session.device),
                .text(session.address),
            ], until: deadline
        ).first
    }

    /// Makes an account without a session, as an administrator does, with a password that must be changed. Throws
    /// `conflict` for a taken name.
    func add(
        _ username: Username, _ id: UserID, _ passwordHash: String, at now: Timestamp, limits: GatewayLimits,
        until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        _ = try await database.rows(
            GatewayQueries.addUser,
            [
                .id(id), .text(username.display), .text(username.key), .text(passwordHash), .moment(now),
                .int(Int(limits.givenPasswordLife.components.seconds)),
            ], until: deadline)
    }

    /// Returns what a password for `username` is checked against; `decoy`, a PHC string, if nobody has the name.
    func credentials(
        of username: Username, from network: [UInt8]?, decoy: String, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Credentials {
        let found = try await database.rows(
            GatewayQueries.credentials,
            [.text(username.key), .id(Self.nobody), .text(decoy), .bytea(network)], until: deadline
        ).first
        guard let found else { throw .fault("looking up credentials returned no row") }
        return found
    }

    /// Stands in for a person who does not exist.
    private static let nobody = UserID(UUIDBits(high: 0, low: 0))

    func user(_ id: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> StoredUser? {
        try await database.rows(GatewayQueries.user, [.id(id)], until: deadline).first
    }

    func user(
        named username: Username, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> StoredUser? {
        try await database.rows(GatewayQueries.userNamed, [.text(username.key)], until: deadline).first
    }

    func isTimeZone(_ name: String, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await database.rows(GatewayQueries.isTimeZone, [.text(name)], until: deadline).first ?? false
    }

    /// Sets a password that must be changed, ends all of the person's sessions, revokes their keys and forgets their
    /// idempotency keys and failed attempts; nil if nobody has that name.
    package func resetPassword(
        of name: String, to hash: String, limits: GatewayLimits, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> UserID? {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            let found = try await transaction.first(
                GatewayQueries.resetPassword,
                [.text(Username(name).key), .text(hash), .int(Int(limits.givenPasswordLife.components.seconds))])
            guard let found else { return nil }
            // Separate statements, so that they see the session of a login and the key that were waited for.
            try await transaction.execute(GatewayQueries.endSessions, [.id(found)])
            try await transaction.execute(GatewayQueries.deleteKeys, [.id(found)])
            // A stored change of the password would be answered as if it had come after this one. The row of one in
            // progress cannot be seen yet: it waits for the person, and then finds its session gone.
            try await transaction.execute(GatewayQueries.forgetKeys, [.id(found)])
            let networks = try await transaction.query(GatewayQueries.knownNetworks, [.id(found)])
            let subjects = LoginAttempt.digests(of: Username(name), found, knownNetworks: networks)
            // Last, since others wait for these rows.
            try await transaction.execute(
                GatewayQueries.clearAllFailures, [.byteaArray(subjects.map { Optional($0) })])
            return found
        }
    }

    /// Closes an account; false if the requesting session did not log in after `freshSince`.
    func close(
        _ user: UserID, asking session: SessionID, freshSince: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> Bool {
        try await database.transaction(until: deadline) { transaction throws(PGError) in
            try await transaction.execute(GatewayQueries.lockInstallation)
            return try await !transaction.commit(
                with: GatewayQueries.closeAccount, [.id(user), .id(session), .moment(freshSince)]
            ).isEmpty
        }
    }
}
