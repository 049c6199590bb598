package import Contracts
import Postgres
import Store

/// The SQL statements for facets that the other side accepts nothing more for. Times are the database's.
enum StopQueries {
    /// Stops a facet, unless the call was made before the person resumed the connection.
    static let bar = PGCommand(
        "stops.bar",
        """
        INSERT INTO facet_stops AS s (user_id, provider, facet, cause, since, retry_at)
        SELECT user_id, provider, $4, $5, clock_timestamp(), clock_timestamp() + $6 * interval '1 second'
        FROM queue_lanes WHERE user_id = $1 AND provider = $2 AND resumed_fence < $3
        ON CONFLICT (user_id, provider, facet) DO UPDATE SET cause = excluded.cause, retry_at = excluded.retry_at
        """)

    /// Stops a facet because of an answer to a sync's reading.
    static let barReading = PGCommand(
        "stops.barReading",
        """
        INSERT INTO facet_stops AS s (user_id, provider, facet, cause, since, retry_at)
        VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp() + $5 * interval '1 second')
        ON CONFLICT (user_id, provider, facet) DO UPDATE SET cause = excluded.cause, retry_at = excluded.retry_at
        """)

    /// Removes jobs of these actions that nobody has begun to send, because each would get the same answer. A job that
    /// reports a play's new date stays (`QueueQueries.unagreed`): it replaces the old date, which the job before it
    /// removes.
    static let park = Dictionary(
        uniqueKeysWithValues: StopCause.allCases.map { cause in
            (
                cause,
                PGCommand(
                    "stops.park.\(cause.rawValue)",
                    UndoQueries.leaving(
                        """
                        q.action = ANY ($3) AND q.status = 'pending' AND q.sends = 0
                            AND NOT (q.action = 'add_play' AND split_part(q.fingerprint, ' ', 3) <> '') AND EXISTS (
                            SELECT FROM facet_stops s WHERE s.user_id = $1 AND s.provider = $2 AND s.facet = $4
                                AND s.retry_at > clock_timestamp())
                        """, unsent: "skipped", as: "CASE WHEN \(untold) THEN 'dead' ELSE 'cancelled' END",
                        reason: cause.rawValue))
            )
        })

    /// SQL for whether no sync will report what a job `q` was to report: a play, if no sync sends the history. Its
    /// person can send it again.
    static let untold = """
        q.action IN ('stop', 'add_play') AND NOT EXISTS (SELECT FROM sync_policies p
            WHERE p.user_id = q.user_id AND p.provider = q.provider AND p.facet = 'history'
                AND p.direction IN ('send', 'both'))
        """

    /// Resumes connections that versions before migration 30 have stopped as a whole for such an answer, also while
    /// those are being replaced; only the facet that gets it again is stopped. Lanes are locked first, in the same
    /// order as when they are settled; lanes that somebody holds get their turn the next time.
    static let heal = PGCommand(
        "stops.heal",
        """
        WITH lane AS MATERIALIZED (
            SELECT l.user_id, l.provider FROM queue_lanes l JOIN scrobble_connections c USING (user_id, provider)
            WHERE c.state IN ('account_limit', 'vip_required')
            ORDER BY l.user_id, l.provider FOR UPDATE OF l SKIP LOCKED
        ), healed AS (
            UPDATE scrobble_connections c SET state = 'connected', state_reason = NULL, updated_at = now()
            WHERE c.state IN ('account_limit', 'vip_required') AND (
                EXISTS (SELECT FROM lane l WHERE l.user_id = c.user_id AND l.provider = c.provider)
                OR NOT EXISTS (SELECT FROM queue_lanes l WHERE l.user_id = c.user_id AND l.provider = c.provider))
            RETURNING c.user_id, c.provider
        )
        UPDATE queue_lanes l SET is_paused = false, resumed_fence = l.fence FROM healed h
        WHERE l.user_id = h.user_id AND l.provider = h.provider
        """)

    /// Lets the named facets be tried again, or all of them.
    static let free = PGCommand(
        "stops.free",
        """
        UPDATE facet_stops SET retry_at = '-infinity'
        WHERE user_id = $1 AND provider = $2 AND ($3::text[] IS NULL OR facet = ANY ($3))
        """)

    /// Deletes the stops of facets that a sync has resumed.
    static let lift = PGCommand(
        "stops.lift",
        """
        DELETE FROM facet_stops
        WHERE user_id = $1 AND provider = $2 AND facet = ANY ($3) AND retry_at <= clock_timestamp()
        """)

    static let forget = PGCommand("stops.forget", "DELETE FROM facet_stops WHERE user_id = $1 AND provider = $2")

    static let list = PGStatement(
        "stops.list",
        """
        SELECT provider, facet, cause, since, nullif(retry_at, '-infinity'), retry_at <= clock_timestamp()
        FROM facet_stops WHERE user_id = $1
        """
    ) { row throws(PGError) in
        FacetStop(
            provider: try row.next(), facet: try row.next(), cause: try row.next(), since: try row.next(),
            retryAt: try row.next(), isDue: try row.next())
    }
}

/// A facet that the other side accepts nothing more for.
package struct FacetStop: Sendable, Hashable {
    package let provider: SyncProvider
    package let facet: SyncFacet
    package let cause: StopCause
    package let since: Timestamp
    /// Nil if something has already freed it, and the next sync tries again.
    package let retryAt: Timestamp?
    /// Whether the next sync tries again.
    package let isDue: Bool
}

extension StopCause: PGScalar, PGDecodable {}
