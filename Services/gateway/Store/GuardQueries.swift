import Contracts
import Postgres
import Store

extension GatewayQueries {
    // MARK: Failed logins

    /// Counts an attempt for each of its subjects before it is made, across all copies of the gateway, and returns how
    /// many seconds it must wait if one of them does not let it pass. An attempt that may not be made is counted for
    /// none, so asking again and again in vain uses up nobody else's allowance. `$3` are the longest waits of the
    /// subjects, `$4` the waits after each failure beyond an allowance; `$6` says which subjects are shared. Rows are
    /// locked in one order, and none if a look shows that one waits. The most widely shared subject comes first: its
    /// row usually exists, so no two attempts wait for each other behind it, whatever new rows they insert.
    ///
    /// A subject that need not wait is free since ever, not since `now()`: that is when an attempt began, and one that
    /// began earlier may reach the row later.
    ///
    /// A shared subject forgets an allowance's worth of failures evenly within `$5`, since somebody always fails or
    /// logs in there; `last_at` is until when that was computed. More failures than the longest wait takes are not
    /// kept.
    static let admit = PGStatement(
        "gateway.admit",
        """
        WITH asked AS (
            SELECT subject, allowance, wait_max, is_shared
            FROM unnest($1, $2, $3, $6) AS a (subject, allowance, wait_max, is_shared) ORDER BY allowance DESC, subject
        ), waiting AS (
            SELECT max(free_at) AS free_at FROM login_throttles WHERE subject = ANY ($1) AND free_at > now()
        ), held AS (
            SELECT subject, free_at FROM login_throttles
            WHERE subject = ANY ($1) AND (SELECT free_at FROM waiting) IS NULL
            ORDER BY allowance DESC, subject FOR UPDATE
        ), admitted AS (
            INSERT INTO login_throttles AS t (subject, failures, allowance, last_at, free_at)
            SELECT subject, 1, allowance, now(), '-infinity' FROM asked
            WHERE (SELECT free_at FROM waiting) IS NULL AND NOT EXISTS (SELECT FROM held WHERE free_at > now())
            ORDER BY allowance DESC, subject
            ON CONFLICT (subject) DO UPDATE SET (failures, allowance, last_at, free_at) = (
                SELECT f.failures, excluded.allowance,
                    CASE
                        WHEN a.is_shared AND g.gone < t.failures
                            THEN t.last_at + g.gone * ($5 * interval '1 second' / excluded.allowance)
                        ELSE greatest(t.last_at, now())
                    END,
                    CASE
                        WHEN f.failures < excluded.allowance THEN '-infinity'
                        ELSE now() + least(
                            a.wait_max, ($4)[least(f.failures + 1 - excluded.allowance, cardinality($4))]
                        ) * interval '1 second'
                    END
                FROM asked a
                CROSS JOIN LATERAL (
                    SELECT CASE
                        WHEN t.last_at < now() - $5 * interval '1 second' THEN t.failures
                        WHEN a.is_shared THEN greatest(0, least(
                            t.failures, floor(extract(epoch FROM now() - t.last_at) * excluded.allowance / $5)))
                        ELSE 0
                    END AS gone
                ) AS g
                CROSS JOIN LATERAL (
                    SELECT least(
                        t.failures - g.gone + 1,
                        CASE WHEN a.is_shared THEN excluded.allowance + cardinality($4) - 1 END)::integer AS failures
                ) AS f
                WHERE a.subject = excluded.subject
            )
            WHERE t.free_at <= now()
            RETURNING subject
        )
        SELECT greatest(1, ceil(extract(epoch FROM
            greatest(now(), (SELECT free_at FROM waiting), (SELECT max(free_at) FROM held)) - now())))::bigint
        FROM asked WHERE subject NOT IN (SELECT subject FROM admitted) HAVING count(*) > 0
        """, kind: .solo
    ) { row throws(PGError) in try row.next(Int.self) }

    /// Clears what was counted for the account after a success; elsewhere the attempt is refunded. The row stays: one
    /// that came back while others wait would be locked out of order.
    static let clearFailures = PGCommand(
        "gateway.clearFailures", "UPDATE login_throttles SET failures = 0, free_at = '-infinity' WHERE subject = $1")
    /// The same for several subjects, locked in the order of `admit`.
    static let clearAllFailures = PGCommand(
        "gateway.clearAllFailures",
        """
        UPDATE login_throttles t SET failures = 0, free_at = '-infinity'
        FROM (
            SELECT subject FROM login_throttles WHERE subject = ANY ($1) ORDER BY allowance DESC, subject FOR UPDATE
        ) AS held
        WHERE t.subject = held.subject
        """, kind: .solo)
    /// Locks rows in the order of `admit`, so that neither waits for the other; nothing may be locked after it.
    static let refundFailures = PGCommand(
        "gateway.refundFailures",
        """
        UPDATE login_throttles t SET failures = greatest(t.failures - 1, 0), free_at = '-infinity'
        FROM (
            SELECT subject FROM login_throttles WHERE subject = ANY ($1) ORDER BY allowance DESC, subject FOR UPDATE
        ) AS held
        WHERE t.subject = held.subject
        """, kind: .solo)

    // MARK: Writes that happen once

    /// No row if the key is taken. Waits for whoever is just using it.
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

    /// Releases a key under which nothing took effect.
    static let forgetKey = PGCommand(
        "gateway.forgetKey",
        "DELETE FROM idempotency_keys WHERE user_id = $1 AND key_hash = $2 AND fingerprint = ANY ($3) AND answer IS NULL"
    )

    /// Releases all keys of a person. What took effect under them is forgotten.
    static let forgetKeys = PGCommand("gateway.forgetKeys", "DELETE FROM idempotency_keys WHERE user_id = $1")

    // MARK: Erasure and sweeping

    /// Claims closed accounts for this gateway alone until the lease expires.
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

    /// Deletes what has expired, table by table, some rows at a time.
    static let sweeps = [
        sweep("sessions", "id", "refresh_expires_at < now()"),
        sweep("invites", "id", "expires_at < now() - interval '30 days'"),
        sweep("api_keys", "id", "expires_at < now() - interval '30 days'"),
        sweep("rate_counts", "subject", "slot < floor(extract(epoch FROM now()) / 5) - 60"),
        sweep("login_throttles", "subject", "last_at < now() - interval '1 day'"),
        sweep("known_networks", "(user_id, network_hash)", "seen_at < now() - interval '90 days'"),
        sweep("second_factors", "user_id", "confirmed_at IS NULL AND begun_at < now() - interval '1 hour'"),
        sweep("idempotency_keys", "(user_id, key_hash)", "created_at < now() - $2 * interval '1 second'"),
        // What the current tokens are derived from, besides a used token, is not needed longer than the grace.
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

/// The stored result of a write with a key.
struct KeptAnswer: Sendable {
    let fingerprint: [UInt8]
    /// Sealed.
    let answer: [UInt8]?
}
