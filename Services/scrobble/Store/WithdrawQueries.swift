import Postgres
import Store

/// Jobs that later ones make unnecessary or wrong.
extension QueueQueries {
    /// The columns of a job `q` leaving the queue that its outcome keeps.
    static let leftColumns = """
        q.user_id, q.id, q.provider, q.urgency, q.media_type, q.media_id, q.action, q.payload, q.join_key, q.fingerprint,
        q.retry_count, q.batch_id, q.created_at
        """

    /// SQL that moves the jobs of `gone`, which have left the queue, to the outcomes; `outcome` and `reason` are SQL.
    static func intoOutcomes(_ outcome: String, reason: String) -> String {
        """
        INSERT INTO queue_outcomes
            (user_id, id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint, outcome,
             reason, retry_count, batch_id, created_at, finished_at)
        SELECT user_id, id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint, \(outcome),
            \(reason), retry_count, batch_id, created_at, clock_timestamp()
        FROM gone
        """
    }

    /// Withdraws a person's jobs that nobody has begun to send, by what they are about, and records the reason in the
    /// runs that queued them.
    static let withdraw = PGStatement(
        "queue.withdraw",
        """
        WITH lane AS (
            SELECT user_id, provider FROM queue_lanes WHERE user_id = $1 ORDER BY provider FOR UPDATE
        ), gone AS (
            DELETE FROM scrobble_queue q USING lane l
            WHERE q.user_id = l.user_id AND q.provider = l.provider AND q.fingerprint = ANY ($2)
                AND q.status = 'pending' AND q.sends = 0
            RETURNING \(leftColumns)
        ), moved AS (
            \(intoOutcomes("'cancelled'", reason: "$3"))
        ), untold AS (
            UPDATE sync_changes c SET state = 'skipped', reason = $3
            FROM gone g WHERE c.user_id = g.user_id AND c.job_id = g.id AND c.state = 'queued'
            RETURNING c.position
        ), counts AS (
            SELECT provider, count(*) FILTER (WHERE urgency = 0) AS live, count(*) FILTER (WHERE urgency = 1) AS bulk
            FROM gone GROUP BY provider
        ), counted AS (
            UPDATE queue_lanes l SET
                live_count = l.live_count - c.live, bulk_count = l.bulk_count - c.bulk,
                live_at = CASE WHEN l.live_count = c.live THEN 'infinity' ELSE l.live_at END,
                bulk_at = CASE WHEN l.bulk_count = c.bulk THEN 'infinity' ELSE l.bulk_at END
            FROM counts c WHERE l.user_id = $1 AND l.provider = c.provider
            RETURNING l.provider
        )
        SELECT provider, fingerprint FROM gone
        """, kind: .write, row: subject)

    /// Withdraws live jobs of these actions about a title that no worker holds. Nothing else waits for them.
    static let supersede = PGCommand(
        "queue.supersede",
        """
        WITH lane AS MATERIALIZED (
            SELECT user_id, provider, live_from FROM queue_lanes
            WHERE user_id = $1 AND provider = ANY ($2) AND live_count > 0 ORDER BY provider FOR UPDATE
        ), gone AS (
            DELETE FROM scrobble_queue q USING lane l
            WHERE q.user_id = l.user_id AND q.provider = l.provider AND q.urgency = 0 AND q.position >= l.live_from
                AND q.media_id = $3 AND q.action = ANY ($4) AND q.status = 'pending'
            RETURNING \(leftColumns)
        ), moved AS (
            \(intoOutcomes("'done'", reason: "'superseded'"))
        ), counts AS (
            SELECT provider, count(*) AS live FROM gone GROUP BY provider
        )
        UPDATE queue_lanes l SET
            live_count = l.live_count - c.live,
            live_at = CASE WHEN l.live_count = c.live THEN 'infinity' ELSE l.live_at END
        FROM counts c WHERE l.user_id = $1 AND l.provider = c.provider
        """)

    /// Bulk jobs about a subject, including those about a moved play, which have the moment after the play.
    static let bulkLeft = PGStatement(
        "queue.bulkLeft",
        """
        SELECT provider, fingerprint FROM scrobble_queue WHERE user_id = $1 AND urgency = 1 AND fingerprint = ANY ($2)
        UNION
        SELECT q.provider, a.about
        FROM unnest($2::text[]) AS a (about) CROSS JOIN LATERAL (
            SELECT j.provider FROM scrobble_queue j
            WHERE j.user_id = $1 AND j.urgency = 1 AND split_part(j.fingerprint, ' ', 2) = split_part(a.about, ' ', 2)
                AND split_part(j.fingerprint, ' ', 3) <> ''
            OFFSET 0
        ) q
        """, row: subject)

    /// Handles jobs of `gone` that were to report a play's new date and failed to, after the job before them had
    /// removed the old date on the other side: what was agreed on about the play is forgotten, because the next sync
    /// would otherwise consider it removed there. If the old date was not removed, it still exists there, and the
    /// agreement stays. Only an edit's jobs have a moment after the play (`LedgerStore.edit`). `removal` is SQL for
    /// what else counts as removed, of a job `d` of `gone`.
    static func unagreed(_ which: String, removal: String = "false", late: String = "") -> String {
        """
        edited AS MATERIALIZED (
            SELECT g.user_id, g.provider, split_part(g.fingerprint, ' ', 2)::uuid AS play FROM gone g
            WHERE \(which) AND g.action = 'add_play' AND split_part(g.fingerprint, ' ', 3) <> '' AND (
                EXISTS (SELECT FROM queue_outcomes o
                    WHERE o.user_id = g.user_id AND o.provider = g.provider AND o.outcome = 'done'
                        AND o.action = 'remove_play' AND split_part(o.fingerprint, ' ', 2) = split_part(g.fingerprint, ' ', 2)
                        AND o.fingerprint = 'remove' || substr(g.fingerprint, 5))
                OR EXISTS (SELECT FROM gone d
                    WHERE d.user_id = g.user_id AND d.provider = g.provider AND d.action = 'remove_play'
                        AND d.fingerprint = 'remove' || substr(g.fingerprint, 5) AND \(removal)))
            \(late)
        ), unagreed AS (
            DELETE FROM sync_base b USING edited e
            WHERE b.user_id = e.user_id AND b.provider = e.provider AND b.facet = 'history' AND b.item_id = e.play
                AND NOT b.is_apart
            RETURNING b.item_id
        )
        """
    }

    /// The old date is removed only now, after the job that was to report the new one has left the queue undelivered.
    static let lateRemovals = """
        UNION ALL
        SELECT g.user_id, g.provider, split_part(g.fingerprint, ' ', 2)::uuid FROM gone g
        WHERE g.fate = 'done' AND g.action = 'remove_play' AND split_part(g.fingerprint, ' ', 3) <> ''
            AND NOT EXISTS (SELECT FROM scrobble_queue q
                WHERE q.user_id = g.user_id AND q.provider = g.provider
                    AND q.fingerprint = 'play' || substr(g.fingerprint, 7))
            AND NOT EXISTS (SELECT FROM queue_outcomes o
                WHERE o.user_id = g.user_id AND o.provider = g.provider AND o.outcome = 'done'
                    AND o.action = 'add_play' AND split_part(o.fingerprint, ' ', 2) = split_part(g.fingerprint, ' ', 2)
                    AND o.fingerprint = 'play' || substr(g.fingerprint, 7))
        """

    @Sendable private static func subject(_ row: inout PGRowReader) throws(PGError) -> JobSubject {
        JobSubject(provider: try row.next(), fingerprint: try row.next())
    }
}
