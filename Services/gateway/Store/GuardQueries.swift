import Contracts
import Postgres
import Store

extension GatewayQueries {
    // MARK: Failed logins

    /// Counts an attempt for each of its subjects before it is made, all copies of the gateway together, and says how
    /// many seconds it must wait where one of them does not let it pass. A subject that waits is not counted further.
    static let admit = PGStatement(
        "gateway.admit",
        """
        WITH asked AS (
            SELECT subject, allowance FROM unnest($1, $2) AS a (subject, allowance) ORDER BY subject
        ), admitted AS (
            INSERT INTO login_throttles AS t (subject, failures, allowance, last_at, free_at)
            SELECT subject, 1, allowance, now(), now() FROM asked
            ON CONFLICT (subject) DO UPDATE SET
                failures = CASE WHEN t.last_at < now() - $5 * interval '1 second' THEN 1 ELSE t.failures + 1 END,
                allowance = excluded.allowance, last_at = now(),
                free_at = CASE
                    WHEN t.last_at < now() - $5 * interval '1 second' OR t.failures + 1 < excluded.allowance THEN now()
                    ELSE now() + least($4, $3 * power(2, least(t.failures + 1 - excluded.allowance, 30)))
                        * interval '1 second'
                END
            WHERE t.free_at <= now()
            RETURNING subject
        )
        SELECT greatest(1, ceil(extract(epoch FROM max(t.free_at) - now())))::bigint
        FROM asked LEFT JOIN login_throttles t USING (subject)
        WHERE subject NOT IN (SELECT subject FROM admitted) HAVING count(*) > 0
        """, kind: .solo
    ) { row throws(PGError) in try row.next(Int.self) }

    /// A success clears what was counted for the account, and takes its own attempt back elsewhere.
    static let clearFailures = PGCommand(
        "gateway.clearFailures", "DELETE FROM login_throttles WHERE subject = $1")
    static let refundFailures = PGCommand(
        "gateway.refundFailures",
        "UPDATE login_throttles SET failures = greatest(failures - 1, 0), free_at = now() WHERE subject = ANY ($1)")

    // MARK: Writes that happen once

    /// No row where the key is taken. Waits for whoever is just using it.
    static let claimKey = PGStatement(
        "gateway.claimKey",
        """
        INSERT INTO idempotency_keys (user_id, key_hash, fingerprint, created_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (user_id, key_hash) DO NOTHING RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let keepAnswer = PGCommand(
        "gateway.keepAnswer", "UPDATE idempotency_keys SET answer = $3 WHERE user_id = $1 AND key_hash = $2")

    static let keptAnswer = PGStatement(
        "gateway.keptAnswer", "SELECT fingerprint, answer FROM idempotency_keys WHERE user_id = $1 AND key_hash = $2"
    ) { row throws(PGError) in KeptAnswer(fingerprint: try row.next(), answer: try row.next()) }

    /// Gives a key back under which nothing took effect.
    static let forgetKey = PGCommand(
        "gateway.forgetKey",
        "DELETE FROM idempotency_keys WHERE user_id = $1 AND key_hash = $2 AND fingerprint = $3 AND answer IS NULL")

    // MARK: Erasure and sweeping

    /// Takes closed accounts for this gateway alone, until the lease runs out.
    static let claimErasures = PGStatement(
        "gateway.claimErasures",
        """
        UPDATE account_deletions SET due_at = now() + $1 * interval '1 second', attempts = attempts + 1
        WHERE user_id IN (
            SELECT user_id FROM account_deletions WHERE due_at <= now() ORDER BY due_at LIMIT $2
            FOR UPDATE SKIP LOCKED)
        RETURNING user_id
        """, kind: .write
    ) { row throws(PGError) in try row.next(UserID.self) }

    static let finishErasure = PGCommand(
        "gateway.finishErasure", "DELETE FROM account_deletions WHERE user_id = $1")

    /// What has expired, table by table, some rows at a time.
    static let sweeps = [
        sweep("sessions", "id", "refresh_expires_at < now()"),
        sweep("invites", "id", "expires_at < now() - interval '30 days'"),
        sweep("api_keys", "id", "expires_at < now() - interval '30 days'"),
        sweep("rate_counts", "subject", "slot < floor(extract(epoch FROM now()) / 5) - 60"),
        sweep("login_throttles", "subject", "last_at < now() - interval '1 day'"),
        sweep("idempotency_keys", "(user_id, key_hash)", "created_at < now() - $2 * interval '1 second'"),
        // What the present tokens follow from, with a token that is spent, is not needed longer than the grace.
        PGCommand(
            "gateway.forgetSalts",
            """
            UPDATE sessions SET renewed_from = NULL, renewal_salt = NULL WHERE id IN (
                SELECT id FROM sessions
                WHERE renewed_from IS NOT NULL AND refreshed_at < now() - interval '5 minutes' AND $2 > 0
                LIMIT $1 FOR UPDATE SKIP LOCKED)
            """),
    ]

    private static func sweep(_ table: String, _ key: String, _ condition: String) -> PGCommand {
        let columns = key.filter { $0 != "(" && $0 != ")" }
        return PGCommand(
            "gateway.sweep.\(table)",
            """
            DELETE FROM \(table) WHERE \(key) IN (
                SELECT \(columns) FROM \(table) WHERE \(condition) AND $2 > 0 LIMIT $1 FOR UPDATE SKIP LOCKED)
            """)
    }
}

/// What a write with a key came to.
struct KeptAnswer: Sendable {
    let fingerprint: [UInt8]
    /// Sealed.
    let answer: [UInt8]?
}
