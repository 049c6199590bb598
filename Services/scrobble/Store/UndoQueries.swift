import Contracts
import Postgres

/// The SQL statements for undoing a sync on the other side.
enum UndoQueries {
    static let provider = PGStatement(
        "undo.provider", "SELECT provider FROM sync_runs WHERE user_id = $1 AND id = $2 AND NOT is_dry"
    ) { row throws(PGError) in try row.next(SyncProvider.self) }

    static let applying = PGStatement(
        "undo.applying",
        "SELECT true FROM sync_runs WHERE user_id = $1 AND provider = $2 AND state = 'applying' LIMIT 1"
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Whether an undo of one of the connection's syncs is under way, during which nothing new is planned.
    static let undoing = PGStatement(
        "undo.undoing",
        """
        SELECT true FROM batches b JOIN sync_runs r ON r.user_id = b.user_id AND r.id = b.id
        WHERE b.user_id = $1 AND b.state = 'undoing' AND r.provider = $2 LIMIT 1
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let told = PGStatement(
        "undo.told",
        """
        SELECT \(SyncQueries.change), b.user_id IS NOT NULL, b.value, b.their_id, coalesce(b.is_apart, false),
            c.facet <> 'history' AND EXISTS (SELECT FROM scrobble_queue q
                WHERE q.user_id = c.user_id AND q.provider = r.provider AND q.media_id = c.title_id
                    AND q.batch_id IS DISTINCT FROM c.run_id),
            c.facet = 'history' AND EXISTS (SELECT FROM sync_changes o
                WHERE o.user_id = c.user_id AND o.run_id = c.run_id AND o.side = 'ours' AND o.facet = c.facet
                    AND o.title_id = c.title_id AND o.becomes IS NOT NULL AND o.state = 'done')
        FROM sync_changes c JOIN sync_runs r ON r.user_id = c.user_id AND r.id = c.run_id
        LEFT JOIN sync_base b ON b.user_id = c.user_id AND b.provider = r.provider AND b.facet = c.facet
            AND b.item_id = coalesce(c.play_id, c.title_id)
        WHERE c.user_id = $1 AND c.run_id = $2 AND c.position > $3 AND c.side = 'theirs' AND c.state = 'done'
            AND NOT c.is_undo
        ORDER BY c.position LIMIT $4
        """
    ) { row throws(PGError) in
        let change = try SyncQueries.readChange(&row)
        return ToldChange(
            change: change, isKnown: try row.next(), value: try row.next(), theirs: try row.next(),
            isApart: try row.next(), isInFlight: try row.next(), hadOther: try row.next())
    }

    static let undone = PGStatement(
        "undo.undone",
        """
        SELECT count(*) FILTER (WHERE is_undo AND state = 'done')::int,
            count(*) FILTER (WHERE state IN ('planned', 'queued'))::int
        FROM sync_changes WHERE user_id = $1 AND run_id = $2 AND side = 'theirs'
        """
    ) { row throws(PGError) in (try row.next(Int.self), try row.next(Int.self)) }

    static let mark = PGStatement(
        "undo.mark",
        """
        UPDATE sync_changes SET state = 'undone'
        WHERE user_id = $1 AND run_id = $2 AND position = ANY ($3) AND state = 'done' RETURNING position
        """, kind: .write
    ) { row throws(PGError) in try row.next(Int.self) }

    static let lastPosition = PGStatement(
        "undo.lastPosition",
        "SELECT max(position) FROM sync_changes WHERE user_id = $1 AND run_id = $2 HAVING count(*) > 0"
    ) { row throws(PGError) in try row.next(Int.self) }

    /// Sets items apart for which the other side has what the run took over here, since ours go back to what we had
    /// before.
    static let setApart = PGCommand(
        "undo.setApart",
        """
        UPDATE sync_base b SET is_apart = true, apart = c.was, written_at = $4, was = NULL
        FROM sync_changes c
        WHERE c.user_id = $1 AND c.run_id = $3 AND c.side = 'ours' AND c.state = 'done' AND c.facet <> 'history'
            AND b.user_id = $1 AND b.provider = $2 AND b.facet = c.facet AND b.item_id = c.title_id
            AND b.value IS NOT DISTINCT FROM c.becomes AND NOT b.is_apart
        """)

    /// Plays that the run removed here are ours alone.
    static let setPlaysApart = PGCommand(
        "undo.setPlaysApart",
        """
        INSERT INTO sync_base (user_id, provider, facet, item_id, title_id, kind, value, written_at, is_apart)
        SELECT c.user_id, $2, 'history', c.play_id, c.title_id, c.kind, NULL, $4, true FROM sync_changes c
        WHERE c.user_id = $1 AND c.run_id = $3 AND c.side = 'ours' AND c.state = 'done' AND c.facet = 'history'
            AND c.becomes IS NULL AND c.play_id IS NOT NULL
        ON CONFLICT (user_id, provider, facet, item_id) DO NOTHING
        """)

    static let takeBack = PGCommand(
        "undo.takeBack",
        leaving(
            """
            q.batch_id = $3 AND q.status = 'pending' AND q.sends = 0 AND NOT EXISTS (SELECT FROM sync_changes c
                WHERE c.user_id = q.user_id AND c.job_id = q.id AND c.is_undo)
            """, unsent: "failed", reason: "taken back"))

    /// Removes plays from the queue that a reading has shown on the other side, because sending them again would
    /// duplicate them.
    static let dropTold = PGCommand(
        "undo.dropTold",
        leaving(
            "q.fingerprint = ANY ($3) AND q.action = 'add_play' AND q.status <> 'sending'", unsent: "skipped",
            reason: "both have it already"))

    /// SQL that removes jobs `q` of a lane from the queue with `outcome` and records the reason in the runs that queued
    /// them. Jobs that were sent before count as delivered.
    static func leaving(
        _ which: String, unsent state: String, as outcome: String = "'cancelled'", reason: String
    ) -> String {
        """
        WITH lane AS (
            SELECT user_id, provider FROM queue_lanes WHERE user_id = $1 AND provider = $2 FOR UPDATE
        ), gone AS (
            DELETE FROM scrobble_queue q USING lane
            WHERE q.user_id = $1 AND q.provider = $2 AND \(which)
            RETURNING \(QueueQueries.leftColumns), q.sends,
                CASE q.sends WHEN 0 THEN \(outcome) ELSE 'done' END AS outcome
        ), moved AS (
            \(QueueQueries.intoOutcomes("outcome", reason: "'\(reason)'"))
        ), told AS (
            UPDATE sync_changes c SET
                state = CASE g.sends WHEN 0 THEN '\(state)' ELSE 'done' END, reason = '\(reason)'
            FROM gone g WHERE c.user_id = g.user_id AND c.job_id = g.id AND c.state = 'queued'
            RETURNING c.position
        ), counts AS (
            SELECT count(*) FILTER (WHERE urgency = 0) AS live, count(*) FILTER (WHERE urgency = 1) AS bulk FROM gone
        )
        UPDATE queue_lanes l SET
            live_count = l.live_count - c.live, bulk_count = l.bulk_count - c.bulk,
            live_at = CASE WHEN l.live_count = c.live THEN 'infinity' ELSE l.live_at END,
            bulk_at = CASE WHEN l.bulk_count = c.bulk THEN 'infinity' ELSE l.bulk_at END
        FROM counts c WHERE l.user_id = $1 AND l.provider = $2
        """
    }
}
