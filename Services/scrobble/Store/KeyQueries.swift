package import Contracts
import Postgres

/// The SQL statements for idempotency keys.
enum KeyQueries {
    /// Claims a key that is free or expired; no row if somebody has it.
    static let claim = PGStatement(
        "keys.claim",
        """
        INSERT INTO idempotency_keys AS k (user_id, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (user_id, key) DO UPDATE SET
            request_hash = excluded.request_hash, answer = NULL, created_at = excluded.created_at
        WHERE k.created_at < $5
        RETURNING request_hash, answer, created_at
        """, kind: .write, row: claimed)

    static let find = PGStatement(
        "keys.find", "SELECT request_hash, answer, created_at FROM idempotency_keys WHERE user_id = $1 AND key = $2",
        row: claimed)

    /// Stores the first answer, which every later request gets.
    static let keep = PGStatement(
        "keys.keep",
        """
        UPDATE idempotency_keys SET answer = coalesce(answer, $4)
        WHERE user_id = $1 AND key = $2 AND request_hash = $3
        RETURNING request_hash, answer, created_at
        """, kind: .write, row: claimed)

    /// Releases a key under which nothing took effect.
    static let release = PGCommand(
        "keys.release",
        "DELETE FROM idempotency_keys WHERE user_id = $1 AND key = $2 AND request_hash = $3 AND answer IS NULL")

    static let sweep = PGStatement(
        "keys.sweep",
        """
        DELETE FROM idempotency_keys WHERE (user_id, key) IN (
            SELECT user_id, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    @Sendable private static func claimed(_ row: inout PGRowReader) throws(PGError) -> KeyClaim {
        KeyClaim(digest: try row.next(), answer: try row.next(), at: try row.next())
    }
}

/// The request that has a key.
package struct KeyClaim: Sendable, Hashable {
    /// SHA-256 of the request.
    package let digest: [UInt8]
    /// The first answer; nil while the request is under way.
    package let answer: [UInt8]?
    package let at: Timestamp
}
