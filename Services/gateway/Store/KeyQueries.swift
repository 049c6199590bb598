import Contracts
import Postgres
import Store

extension GatewayQueries {
    // MARK: API keys

    static let keyCaller = PGStatement(
        "gateway.keyCaller",
        """
        SELECT k.user_id, u.role = 'admin', u.time_zone, k.scopes, k.id, $3 AND NOT \(hasSecondFactor("u"))
        FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.secret_hash = $1 AND (k.expires_at IS NULL OR k.expires_at > $2)
        """
    ) { row throws(PGError) in
        EdgeCaller(
            user: try row.next(), isAdministrator: try row.next(), timeZone: try row.next(),
            scopes: Set(try row.next([String].self)), credential: try row.next(APIKeyID.self).uuid,
            lacksSecondFactor: try row.next())
    }

    /// Locked until the transaction ends, so that of keys made concurrently the later ones see the earlier, and a reset
    /// of the password comes before or after them.
    static let lockPerson = PGCommand("gateway.lockPerson", "SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE")

    /// No row if the session has ended meanwhile.
    static let isSession = PGStatement(
        "gateway.isSession", "SELECT true FROM sessions WHERE user_id = $1 AND id = $2"
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// No row if the person has as many as allowed.
    static let createKey = PGStatement(
        "gateway.createKey",
        """
        INSERT INTO api_keys (id, user_id, name, label, secret_hash, scopes, created_at, expires_at)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE (SELECT count(*) FROM api_keys WHERE user_id = $2) < $9
        RETURNING id, name, label, scopes, created_at, expires_at, last_used_at
        """, kind: .write, row: readKey)

    static let keys = PGStatement(
        "gateway.keys",
        """
        SELECT id, name, label, scopes, created_at, expires_at, last_used_at
        FROM api_keys WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2
        """, row: readKey)

    static let deleteKey = PGStatement(
        "gateway.deleteKey", "DELETE FROM api_keys WHERE user_id = $1 AND id = $2 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let deleteKeys = PGCommand("gateway.deleteKeys", "DELETE FROM api_keys WHERE user_id = $1")

    @Sendable private static func readKey(_ row: inout PGRowReader) throws(PGError) -> ApiKey {
        ApiKey(
            id: try row.next(), name: try row.next(), label: try row.next(),
            scopes: try row.next([String].self).compactMap(Scope.init(rawValue:)), createdAt: try row.next(),
            expiresAt: try row.next(), lastUsedAt: try row.next())
    }

    // MARK: Invitations

    /// No row if as many are open as allowed.
    static let createInvite = PGStatement(
        "gateway.createInvite",
        """
        INSERT INTO invites (id, user_id, code_hash, note, created_at, expires_at)
        SELECT $1, $2, $3, $4, $5, $6
        WHERE (SELECT count(*) FROM invites WHERE used_at IS NULL AND expires_at > $5) < $7
        RETURNING id, note, created_at, expires_at, used_at
        """, kind: .write, row: readInvite)

    /// Open ones first; there are no more of them than are listed.
    static let invites = PGStatement(
        "gateway.invites",
        """
        SELECT id, note, created_at, expires_at, used_at FROM invites
        ORDER BY (used_at IS NULL AND expires_at > $2) DESC, created_at DESC, id DESC LIMIT $1
        """, row: readInvite)

    static let deleteInvite = PGStatement(
        "gateway.deleteInvite", "DELETE FROM invites WHERE id = $1 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    @Sendable private static func readInvite(_ row: inout PGRowReader) throws(PGError) -> Invite {
        Invite(
            id: try row.next(), note: try row.next(), createdAt: try row.next(), expiresAt: try row.next(),
            usedAt: try row.next())
    }
}
