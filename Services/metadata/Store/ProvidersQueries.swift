import Contracts
import JSON
import Postgres
import Store

/// The SQL statements by which replicas share each provider's pace and standing.
extension MetadataQueries {
    /// Takes up to $2 places on the provider's line, a step of $3 microseconds apart, that lie at most $4 microseconds
    /// ahead. Of $5 calls a day (null: no limit), $6 are left to others. `PaceLine` does the same arithmetic.
    ///
    /// The clock is read after the row is locked: a caller that waited for it must not take a place in the past.
    static let takePlaces = PGStatement(
        "metadata.takePlaces",
        """
        WITH held AS MATERIALIZED (
            SELECT q.free_at, q.day, q.day_calls FROM provider_quota q WHERE q.provider = $1 FOR UPDATE
        ), clock AS MATERIALIZED (
            SELECT m.free_at, m.day, m.day_calls, clock_timestamp() AS now FROM held m
        ), state AS (
            SELECT greatest(c.free_at, c.now) AS first, c.now, (c.now AT TIME ZONE 'UTC')::date AS today,
                CASE WHEN c.day = (c.now AT TIME ZONE 'UTC')::date THEN c.day_calls ELSE 0 END AS calls
            FROM clock c
        ), room AS (
            SELECT s.first, s.now, s.today, s.calls, (extract(epoch FROM s.first - s.now) * 1000000)::bigint AS ahead,
                CASE WHEN $5::bigint IS NULL THEN $2 ELSE greatest(0, $5 - $6 - s.calls) END AS left_today
            FROM state s
        ), given AS (
            SELECT r.first, r.today, r.calls, r.ahead, r.left_today, greatest(0, least($2, r.left_today,
                CASE WHEN r.ahead > $4 THEN 0 ELSE ($4 - r.ahead) / $3 + 1 END)) AS count
            FROM room r
        )
        UPDATE provider_quota q
        SET free_at = CASE WHEN g.count > 0 THEN g.first + g.count * $3 * interval '1 microsecond' ELSE q.free_at END,
            day = g.today, day_calls = g.calls + g.count
        FROM given g LEFT JOIN provider_health h ON h.provider = $1
        WHERE q.provider = $1
        RETURNING g.ahead, g.count, $5::bigint IS NOT NULL AND g.left_today = 0, h.state, h.failures,
            (extract(epoch FROM h.until) * 1000)::bigint, h.reason
        """, kind: .solo, row: grant)

    /// What is known of requests for the entry $2 in the last $3 microseconds.
    static let shelved = PGStatement(
        "metadata.shelvedEntry",
        """
        SELECT e.facts FROM provider_entries e
        WHERE e.provider = $1 AND e.entry = $2 AND e.asked_at > now() - $3 * interval '1 microsecond'
        """
    ) { row throws(PGError) in
        guard let json: PGJSON = try row.next() else { return ShelvedEntry.asked }
        let value = try? decodeJSON(JSONValue.self, from: json.bytes)
        guard let value, !value.isNull else { return .absent }
        return ProviderFacts(value).map { .told($0) } ?? .asked
    }

    /// Claims the request for an entry unless it was claimed less than $3 microseconds ago; returns no row if it was.
    /// Also deletes some older entries.
    static let claimEntry = PGStatement(
        "metadata.claimEntry",
        """
        WITH old AS (
            SELECT o.provider, o.entry FROM provider_entries o
            WHERE o.asked_at < now() - 2 * $3 * interval '1 microsecond' ORDER BY o.asked_at LIMIT 50
        ), gone AS (
            DELETE FROM provider_entries e USING old
            WHERE e.provider = old.provider AND e.entry = old.entry AND (old.provider, old.entry) <> ($1, $2)
        )
        INSERT INTO provider_entries AS e (provider, entry, asked_at) VALUES ($1, $2, now())
        ON CONFLICT (provider, entry) DO UPDATE SET asked_at = now(), facts = NULL
            WHERE e.asked_at <= now() - $3 * interval '1 microsecond'
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let shelve = PGCommand(
        "metadata.shelveEntry", "UPDATE provider_entries e SET facts = $3 WHERE e.provider = $1 AND e.entry = $2")

    /// Records a failure as `ProviderStanding` weighed it. A longer rest stays.
    static let noteFailure = PGCommand(
        "metadata.noteFailure",
        """
        INSERT INTO provider_health AS h (provider, failures, state, until, reason, failed_at)
        VALUES ($1, $2, $3, to_timestamp($4::double precision / 1000), $5, now())
        ON CONFLICT (provider) DO UPDATE SET
            failures = greatest(h.failures, excluded.failures), failed_at = now(),
            state = CASE WHEN h.until > coalesce(excluded.until, now()) THEN h.state ELSE excluded.state END,
            reason = CASE WHEN h.until > coalesce(excluded.until, now()) THEN h.reason ELSE excluded.reason END,
            until = CASE WHEN h.until > coalesce(excluded.until, now()) THEN h.until ELSE excluded.until END
        """)

    /// Records an answer; a rest that is not over stays.
    static let noteAnswer = PGCommand(
        "metadata.noteAnswer",
        """
        INSERT INTO provider_health AS h (provider, answered_at) VALUES ($1, now())
        ON CONFLICT (provider) DO UPDATE
            SET failures = 0, state = 'serving', until = NULL, reason = NULL, answered_at = now()
            WHERE h.state = 'serving' OR h.until IS NULL OR h.until <= now()
        """)

    /// Keys may have been changed since they were refused.
    static let forgetKeys = PGCommand(
        "metadata.forgetKeys",
        "UPDATE provider_health SET state = 'serving', until = NULL, reason = NULL WHERE state = 'key_rejected'")

    static let health = PGStatement(
        "metadata.providerHealth",
        """
        SELECT q.provider, h.state, h.failures, (extract(epoch FROM h.until) * 1000)::bigint, h.reason, h.answered_at,
            h.failed_at, CASE WHEN q.day = (now() AT TIME ZONE 'UTC')::date THEN q.day_calls ELSE 0 END
        FROM provider_quota q LEFT JOIN provider_health h ON h.provider = q.provider
        """
    ) { row throws(PGError) in
        ProviderHealth(
            provider: try row.next(), standing: try standing(&row), answeredAt: try row.next(),
            failedAt: try row.next(), callsToday: try row.next())
    }

    @Sendable private static func grant(_ row: inout PGRowReader) throws(PGError) -> PlacesGranted {
        PlacesGranted(
            aheadMicroseconds: try row.next(), count: try row.next(), isDayUsedUp: try row.next(),
            standing: try standing(&row))
    }

    private static func standing(_ row: inout PGRowReader) throws(PGError) -> ProviderStanding {
        let state: String? = try row.next()
        let failures: Int? = try row.next()
        let until: Int64? = try row.next()
        let reason: String? = try row.next()
        return ProviderStanding(
            failures: failures ?? 0, state: state.flatMap(ProviderStanding.State.init(rawValue:)) ?? .serving,
            untilMilliseconds: until, reason: reason)
    }
}

/// Places on a provider's line.
struct PlacesGranted: Sendable {
    /// The time from now to the first of them.
    let aheadMicroseconds: Int64
    let count: Int64
    let isDayUsedUp: Bool
    let standing: ProviderStanding
}

/// A provider's health, as all replicas see it.
struct ProviderHealth: Sendable {
    let provider: String
    let standing: ProviderStanding
    let answeredAt: Timestamp?
    let failedAt: Timestamp?
    let callsToday: Int
}
