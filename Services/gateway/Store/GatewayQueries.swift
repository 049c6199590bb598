import Contracts
import Postgres
import Store

extension SessionID: PGScalar, PGDecodable {}

/// Every SQL text of the gateway.
enum GatewayQueries {
    /// Makes an account with its first session. The first account founds the installation and becomes its administrator;
    /// later ones are made only where `$6` allows it. No row: registration is closed.
    static let register = PGStatement(
        "gateway.register",
        """
        WITH founded AS (
            INSERT INTO installation (founder, founded_at) VALUES ($1, $5)
            ON CONFLICT DO NOTHING RETURNING founder
        ), made AS (
            INSERT INTO users (id, username, username_key, password_hash, role, created_at)
            SELECT $1, $2, $3, $4, CASE WHEN EXISTS (SELECT FROM founded) THEN 'admin' ELSE 'member' END, $5
            WHERE $6 OR EXISTS (SELECT FROM founded)
            RETURNING id, username, role, created_at
        ), opened AS (
            INSERT INTO sessions (id, user_id, token_hash, created_at, expires_at)
            SELECT $7, id, $8, $5, $9 FROM made RETURNING user_id
        )
        SELECT id, username, role, created_at FROM made JOIN opened ON opened.user_id = made.id
        """, kind: .write, row: readUser)

    static let account = PGStatement(
        "gateway.account",
        "SELECT id, username, role, created_at, password_hash FROM users WHERE username_key = $1"
    ) { row throws(PGError) in
        let user = try readUser(&row)
        return Account(user: user, passwordHash: try row.next())
    }

    static let openSession = PGCommand(
        "gateway.openSession",
        "INSERT INTO sessions (id, user_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")

    static let endSession = PGCommand("gateway.endSession", "DELETE FROM sessions WHERE id = $1")

    static let session = PGStatement(
        "gateway.session", "SELECT id, user_id FROM sessions WHERE token_hash = $1 AND expires_at > $2"
    ) { row throws(PGError) in SessionOwner(session: try row.next(), user: try row.next()) }

    static let user = PGStatement(
        "gateway.user", "SELECT id, username, role, created_at FROM users WHERE id = $1", row: readUser)

    static let founder = PGStatement("gateway.isFounded", "SELECT true FROM installation") { row throws(PGError) in
        try row.next(Bool.self)
    }

    @Sendable private static func readUser(_ row: inout PGRowReader) throws(PGError) -> User {
        User(id: try row.next(), username: try row.next(), role: try row.next(), createdAt: try row.next())
    }
}

/// An account together with what its password is checked against.
struct Account: Sendable {
    let user: User
    /// A PHC string.
    let passwordHash: String
}

/// A session that is valid, and whose it is.
package struct SessionOwner: Sendable, Hashable {
    let session: SessionID
    let user: UserID
}
