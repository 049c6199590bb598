import Contracts
import Postgres
import Store

/// Putting jobs into lanes.
extension QueueQueries {
    /// Puts jobs into their lanes. Returns the ids of those that were queued, and the lanes that do not exist yet,
    /// whose jobs were not queued. Each lane's row is locked first, so that positions are assigned in commit order.
    /// Jobs that are already waiting are skipped; the check is written so that only the index of fingerprints can
    /// answer it. A lane is looked up from its highest fence down, because an old snapshot keeps every version that it
    /// ever had. Runs by itself: several of these statements in one transaction would lock their lanes in no common
    /// order.
    static let enqueue = PGStatement(
        "queue.enqueue",
        """
        WITH wanted AS (
            SELECT id, user_id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint,
                batch_id, ordinality
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::text[], $6::uuid[], $7::text[],
                $8::jsonb[], $9::text[], $10::text[], $11::uuid[]) WITH ORDINALITY
                AS w (id, user_id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint,
                    batch_id, ordinality)
        ), fresh AS (
            SELECT id, user_id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint,
                batch_id, row_number() OVER (PARTITION BY user_id, provider ORDER BY ordinality) AS place
            FROM (
                SELECT id, user_id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint,
                    batch_id, ordinality,
                    row_number() OVER (PARTITION BY user_id, provider, fingerprint ORDER BY ordinality) AS nth
                FROM wanted
            ) w
            WHERE nth = 1 AND NOT EXISTS (
                SELECT FROM scrobble_queue q
                WHERE q.fingerprint = w.fingerprint
                    AND (q.user_id, q.provider) IS NOT DISTINCT FROM (w.user_id, w.provider))
        ), counted AS (
            SELECT user_id, provider, count(*) AS jobs, count(*) FILTER (WHERE urgency = 0) AS live,
                count(*) FILTER (WHERE urgency = 1) AS bulk
            FROM fresh GROUP BY user_id, provider
        ), seen AS MATERIALIZED (
            SELECT c.user_id, c.provider, c.jobs, c.live, c.bulk, l.fence
            FROM counted c LEFT JOIN LATERAL (
                SELECT fence FROM queue_lanes q WHERE q.user_id = c.user_id AND q.provider = c.provider
                ORDER BY fence DESC LIMIT 1
            ) l ON true
            ORDER BY c.user_id, c.provider
        ), locked AS MATERIALIZED (
            -- In the order of lanes, so that those who put jobs into several of them do not wait for each other.
            SELECT s.user_id, s.provider, s.jobs, s.live, s.bulk, s.fence
            FROM seen s CROSS JOIN LATERAL (
                SELECT FROM queue_lanes q
                WHERE q.user_id = s.user_id AND q.provider = s.provider AND q.fence >= s.fence
                FOR UPDATE
            ) l
        ), lane AS (
            -- Another turn of the lane may have ended meanwhile, with another fence.
            UPDATE queue_lanes l SET
                next_position = l.next_position + k.jobs, live_count = l.live_count + k.live,
                bulk_count = l.bulk_count + k.bulk,
                live_at = CASE WHEN l.live_count = 0 AND k.live > 0 THEN clock_timestamp() ELSE l.live_at END,
                bulk_at = CASE WHEN l.bulk_count = 0 AND k.bulk > 0 THEN clock_timestamp() ELSE l.bulk_at END
            FROM locked k
            WHERE l.user_id = k.user_id AND l.provider = k.provider AND l.fence >= k.fence
            RETURNING l.user_id, l.provider, l.next_position - k.jobs AS base
        ), queued AS (
            INSERT INTO scrobble_queue
                (id, user_id, provider, urgency, position, media_type, media_id, action, payload, join_key, fingerprint,
                 next_retry_at, batch_id, created_at)
            SELECT f.id, f.user_id, f.provider, f.urgency, l.base + f.place - 1, f.media_type, f.media_id, f.action,
                f.payload, f.join_key, f.fingerprint, clock_timestamp(), f.batch_id, clock_timestamp()
            FROM fresh f JOIN lane l USING (user_id, provider)
            RETURNING id
        )
        SELECT id, NULL::uuid, NULL::text FROM queued
        UNION ALL SELECT NULL, user_id, provider FROM seen WHERE fence IS NULL
        """, kind: .solo
    ) { row throws(PGError) in
        if let id = try row.next(PGUUID?.self) { return Enqueued.queued(UUIDBits(id)) }
        return .missing(LaneKey(user: try row.next(), provider: try row.next()))
    }

    /// Creates the lanes that do not exist yet. Waits for a concurrent transaction that creates the same one.
    static let openLanes = PGCommand(
        "queue.openLanes",
        """
        WITH named AS (
            INSERT INTO queue_lane_names (user_id, provider)
            SELECT DISTINCT user_id, provider FROM unnest($1::uuid[], $2::text[]) AS w (user_id, provider)
            ORDER BY user_id, provider
            ON CONFLICT DO NOTHING
            RETURNING user_id, provider
        )
        INSERT INTO queue_lanes (user_id, provider) SELECT user_id, provider FROM named
        """)
}

/// The outcome of queueing a job.
enum Enqueued: Sendable {
    case queued(UUIDBits)
    /// The lane does not exist yet, so none of its jobs was queued.
    case missing(LaneKey)

    var id: UUIDBits? { if case .queued(let id) = self { id } else { nil } }
    var missingLane: LaneKey? { if case .missing(let lane) = self { lane } else { nil } }
}
