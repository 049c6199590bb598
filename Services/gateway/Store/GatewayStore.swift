import Contracts
import Cryptography
import Postgres
package import Store

/// Accounts and sessions in Postgres.
package struct GatewayStore: Sendable {
    private let database: Database

    package init(database: Database) { self.database = database }

    /// An account that somebody asks for.
    struct Registration: Sendable {
        let id: UserID
        let username: Username
        let passwordHash: String
        let at: Timestamp
        let session: NewSession
    }

    /// A session that begins.
    struct NewSession: Sendable {
        let id: SessionID
        let tokenDigest: SHA256Digest
        let expiresAt: Timestamp
    }

    /// Whether there is a first person already.
    func isFounded(until deadline: ContinuousClock.Instant) async throws(StoreError) -> Bool {
        try await !database.rows(GatewayQueries.founder, [], until: deadline).isEmpty
    }

    /// Makes the account and its first session; nil where registration is closed. Throws `conflict` for a taken name.
    func register(
        _ registration: Registration, isOpen: Bool, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> User? {
        try await database.rows(
            GatewayQueries.register,
            [
                .id(registration.id), .text(registration.username.display), .text(registration.username.key),
                .text(registration.passwordHash), .moment(registration.at), .bool(isOpen),
                .id(registration.session.id), .bytea(registration.session.tokenDigest.bytes),
                .moment(registration.session.expiresAt),
            ], until: deadline
        ).first
    }

    func account(of username: Username, until deadline: ContinuousClock.Instant) async throws(StoreError) -> Account? {
        try await database.rows(GatewayQueries.account, [.text(username.key)], until: deadline).first
    }

    func open(
        _ session: NewSession, for user: UserID, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) {
        try await database.run(
            GatewayQueries.openSession,
            [
                .id(session.id), .id(user), .bytea(session.tokenDigest.bytes), .moment(now),
                .moment(session.expiresAt),
            ], until: deadline)
    }

    func end(_ session: SessionID, until deadline: ContinuousClock.Instant) async throws(StoreError) {
        try await database.run(GatewayQueries.endSession, [.id(session)], until: deadline)
    }

    /// The session of a token; nil where it has ended or never was.
    func session(
        of tokenDigest: SHA256Digest, at now: Timestamp, until deadline: ContinuousClock.Instant
    ) async throws(StoreError) -> SessionOwner? {
        try await database.rows(
            GatewayQueries.session, [.bytea(tokenDigest.bytes), .moment(now)], until: deadline
        ).first
    }

    func user(_ id: UserID, until deadline: ContinuousClock.Instant) async throws(StoreError) -> User? {
        try await database.rows(GatewayQueries.user, [.id(id)], until: deadline).first
    }
}
