import Contracts
import JSON
package import Postgres
import Store

/// The SQL statements of the queue. Times are the database's.
enum QueueQueries {
    /// Leases due lanes and, in the same statement, commits the intent to send their first jobs. Runs by itself, so
    /// that it sees everything committed before it began.
    static let claim = PGStatement(
        "queue.claim",
        """
        WITH live AS MATERIALIZED (
            SELECT user_id, provider, fence, due_at FROM queue_lanes
            WHERE is_live AND due_at <= now() AND due_at < 'infinity' AND due_at >= $4 AND provider = ANY ($3)
            ORDER BY due_at LIMIT $5
            FOR UPDATE SKIP LOCKED
        ), bulk AS MATERIALIZED (
            SELECT user_id, provider, fence, due_at FROM queue_lanes
            WHERE NOT is_live AND due_at <= now() AND due_at < 'infinity' AND due_at >= $6 AND provider = ANY ($3)
            ORDER BY due_at LIMIT $7
            FOR UPDATE SKIP LOCKED
        ), due AS (
            SELECT user_id, provider, fence, due_at, true AS is_live FROM live
            UNION ALL SELECT user_id, provider, fence, due_at, false FROM bulk
        ), claimed AS (
            UPDATE queue_lanes l SET
                fence = l.fence + 1, worker = $1,
                held_until = clock_timestamp() + $2 * interval '1 second'
            -- One that got another fence in between has just been worked: its worker knows when it is due.
            FROM due d WHERE l.user_id = d.user_id AND l.provider = d.provider AND l.fence = d.fence
            RETURNING l.user_id, l.provider, l.fence, d.due_at, d.is_live,
                CASE WHEN l.live_at <= now() THEN 0 ELSE 1 END AS urgency, l.live_from, l.bulk_from
        ), first AS MATERIALIZED (
            SELECT c.user_id, c.provider, c.urgency, j.position, j.status AS was
            FROM claimed c CROSS JOIN LATERAL (
                SELECT r.position, r.status,
                    row_number() OVER run = 1 OR (
                        -- What failed together is tried in halves, until the one that fails goes alone.
                        row_number() OVER run <= $8 >> least(first_value(r.retry_count) OVER run, 30)
                        AND r.join_key IS NOT NULL
                        AND min(r.join_key) OVER run = max(r.join_key) OVER run
                        AND count(r.join_key) OVER run = row_number() OVER run
                        AND min(r.status) OVER run = max(r.status) OVER run) AS is_taken
                FROM (
                    -- The numbers are there for the planner too: of a limit that it cannot read it expects a tenth of the
                    -- lane, and reads the whole queue to find so many. Of live ones fewer: few of them travel together.
                    (SELECT q.position, q.status, q.join_key, q.retry_count FROM scrobble_queue q
                    WHERE c.urgency = 0 AND q.user_id = c.user_id AND q.provider = c.provider AND q.urgency = 0
                        AND q.position >= c.live_from
                    ORDER BY q.position LIMIT 32)
                    UNION ALL
                    (SELECT q.position, q.status, q.join_key, q.retry_count FROM scrobble_queue q
                    WHERE c.urgency = 1 AND q.user_id = c.user_id AND q.provider = c.provider AND q.urgency = 1
                        AND q.position >= c.bulk_from
                    ORDER BY q.position LIMIT 100)
                ) r
                WINDOW run AS (ORDER BY r.position)
            ) j WHERE j.is_taken
        ), marked AS (
            UPDATE scrobble_queue q SET
                status = CASE q.status WHEN 'pending' THEN 'sending' ELSE 'verify' END,
                sent_at = CASE q.status WHEN 'pending' THEN clock_timestamp() ELSE q.sent_at END,
                sends = q.sends + CASE q.status WHEN 'pending' THEN 1 ELSE 0 END,
                retry_count = q.retry_count + 1, unsettled = q.unsettled + 1
            FROM first f
            WHERE q.user_id = f.user_id AND q.provider = f.provider AND q.urgency = f.urgency
                AND q.position = f.position
            RETURNING q.user_id, q.provider, q.id, q.position, q.media_type, q.media_id, q.action, q.payload, f.was,
                q.retry_count, q.sends, q.looks, q.unsettled,
                extract(epoch FROM clock_timestamp() - q.created_at)::float8 AS age,
                extract(epoch FROM clock_timestamp() - q.sent_at)::float8 AS since_sent
        )
        SELECT c.user_id, c.provider, c.fence, c.urgency::smallint, c.is_live, c.due_at, m.id, m.position, m.media_type,
            m.media_id, m.action, m.payload, m.was, m.retry_count, m.sends, m.looks, m.unsettled, m.age, m.since_sent
        FROM claimed c LEFT JOIN marked m USING (user_id, provider)
        ORDER BY c.user_id, c.provider, m.position
        """, kind: .solo, row: claimedRow)

    /// Writes the workers' results for lanes that are still theirs, and each lane's next turn, in seconds from now.
    static let settle = PGStatement(
        "queue.settle",
        """
        WITH lane AS (
            SELECT user_id, provider, fence, urgency, hold, wait, low, trouble
            FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::smallint[], $5::float8[], $6::float8[],
                $7::bigint[], $8::text[]) AS i (user_id, provider, fence, urgency, hold, wait, low, trouble)
        ), job AS (
            SELECT user_id, provider, fence, urgency, position, fate, reason, looks, uncounted, unsent
            FROM unnest($9::uuid[], $10::text[], $11::smallint[], $12::bigint[], $13::text[], $14::text[],
                $15::smallint[], $16::smallint[], $17::smallint[], $18::bigint[])
                AS j (user_id, provider, urgency, position, fate, reason, looks, uncounted, unsent, fence)
        ), kept AS (
            -- What a call met that was made before the lane was let go on says nothing of what its person mended since.
            SELECT i.user_id, i.provider, i.fence, i.urgency, i.hold, i.wait, i.low,
                CASE WHEN i.fence > l.resumed_fence THEN i.trouble END AS trouble
            FROM (
                -- That is so for every lane, and lets the planner expect few: it reads no whole table for them.
                SELECT user_id, provider, fence, urgency, hold, wait, low, trouble FROM lane
                WHERE fence > 0 AND hold >= 0 AND wait >= 0
                ORDER BY user_id, provider
            ) i CROSS JOIN LATERAL (
                SELECT resumed_fence FROM queue_lanes q
                WHERE q.user_id = i.user_id AND q.provider = i.provider AND q.fence = i.fence
                FOR UPDATE
            ) l
        ), known AS MATERIALIZED (
            -- By itself, so that each job is looked for at its place and not among all of its lane.
            SELECT j.user_id, j.provider, j.urgency, j.position, j.fate, j.reason, j.looks, j.uncounted, j.unsent, k.wait
            FROM job j JOIN kept k USING (user_id, provider, fence)
        ), gone AS (
            DELETE FROM scrobble_queue q USING known j
            WHERE q.user_id = j.user_id AND q.provider = j.provider AND q.urgency = j.urgency
                AND q.position = j.position AND j.fate IN ('done', 'dead', 'cancelled')
            RETURNING \(leftColumns), j.reason,
                CASE WHEN j.fate = 'cancelled' AND \(StopQueries.untold) THEN 'dead' ELSE j.fate END AS fate
        ), kept_jobs AS (
            UPDATE scrobble_queue q SET
                status = j.fate, reason = j.reason, looks = j.looks,
                unsettled = CASE j.uncounted WHEN 1 THEN greatest(q.unsettled - 1, 0) ELSE 0 END,
                retry_count = q.retry_count - j.uncounted,
                sends = q.sends - CASE WHEN j.fate = 'pending' AND q.status = 'sending' THEN j.unsent ELSE 0 END,
                next_retry_at = clock_timestamp() + j.wait * interval '1 second'
            FROM known j
            WHERE q.user_id = j.user_id AND q.provider = j.provider AND q.urgency = j.urgency
                AND q.position = j.position AND j.fate IN ('pending', 'verify')
            RETURNING q.id
        ), moved AS (
            \(intoOutcomes("fate", reason: "reason"))
        ), troubled AS (
            UPDATE scrobble_connections s SET state = k.trouble, state_reason = k.trouble, updated_at = now()
            FROM kept k WHERE s.user_id = k.user_id AND s.provider = k.provider AND k.trouble IS NOT NULL
            RETURNING s.user_id
        ), freed AS (
            -- There is room again, or what needed it was taken: the next sync tries.
            UPDATE facet_stops s SET retry_at = '-infinity' FROM gone g
            WHERE s.user_id = g.user_id AND s.provider = g.provider AND g.fate = 'done' AND s.facet = CASE g.action
                WHEN 'stop' THEN 'history' WHEN 'add_play' THEN 'history' WHEN 'remove_play' THEN 'history'
                WHEN 'unrate' THEN 'ratings'
                WHEN 'add_to_watchlist' THEN 'watchlist' WHEN 'remove_from_watchlist' THEN 'watchlist'
                WHEN 'add_to_collection' THEN 'collection' WHEN 'remove_from_collection' THEN 'collection' END
            RETURNING s.user_id
        ), counted AS (
            SELECT user_id, provider, count(*) FILTER (WHERE urgency = 0) AS live,
                count(*) FILTER (WHERE urgency = 1) AS bulk
            FROM gone GROUP BY user_id, provider
        ), \(unagreed("g.fate IN ('cancelled', 'dead')", removal: "d.fate = 'done'", late: lateRemovals))
        UPDATE queue_lanes l SET
            worker = NULL,
            held_until = clock_timestamp() + k.hold * interval '1 second',
            is_paused = l.is_paused OR k.trouble IS NOT NULL,
            live_count = l.live_count - coalesce(c.live, 0),
            bulk_count = l.bulk_count - coalesce(c.bulk, 0),
            live_from = CASE WHEN k.urgency = 0 THEN coalesce(k.low, l.live_from) ELSE l.live_from END,
            bulk_from = CASE WHEN k.urgency = 1 THEN coalesce(k.low, l.bulk_from) ELSE l.bulk_from END,
            live_at = CASE WHEN k.urgency <> 0 THEN l.live_at
                WHEN l.live_count <= coalesce(c.live, 0) THEN 'infinity'
                ELSE clock_timestamp() + k.wait * interval '1 second' END,
            bulk_at = CASE WHEN k.urgency <> 1 THEN l.bulk_at
                WHEN l.bulk_count <= coalesce(c.bulk, 0) THEN 'infinity'
                ELSE clock_timestamp() + k.wait * interval '1 second' END
        FROM kept k LEFT JOIN counted c USING (user_id, provider)
        WHERE l.user_id = k.user_id AND l.provider = k.provider AND l.fence = k.fence
        RETURNING l.user_id, l.provider,
            CASE WHEN l.due_at = 'infinity' THEN NULL
                ELSE extract(epoch FROM l.due_at - clock_timestamp())::float8 END
        """, kind: .solo
    ) { row throws(PGError) in
        SettledLane(
            key: LaneKey(user: try row.next(), provider: try row.next()),
            nextTurn: try row.next(Double?.self).map { .seconds(max(0, $0)) })
    }

    /// Renews leases. Returns the lanes that are still the worker's.
    static let renew = PGStatement(
        "queue.renew",
        """
        UPDATE queue_lanes l SET held_until = clock_timestamp() + $4 * interval '1 second'
        FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS i (user_id, provider, fence)
        WHERE l.user_id = i.user_id AND l.provider = i.provider AND l.fence = i.fence
        RETURNING l.user_id, l.provider
        """, kind: .write
    ) { row throws(PGError) in LaneKey(user: try row.next(), provider: try row.next()) }

    /// Counted by lanes, because there are fewer of them than jobs.
    static let size = PGStatement(
        "queue.size",
        """
        SELECT coalesce(sum(live_count + bulk_count), 0)::bigint,
            coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE due_at <= now())), 0)::float8
        FROM queue_lanes WHERE live_count > 0 OR bulk_count > 0
        """
    ) { row throws(PGError) in (waiting: try row.next(Int.self), oldestDue: try row.next(Double.self)) }

    static let ring = PGCommand("queue.ring", "SELECT pg_notify('reelay_queue', '')", kind: .solo)

    /// Cancels a job that nobody has begun to send.
    static let cancel = PGStatement(
        "queue.cancel",
        """
        WITH target AS (
            SELECT provider FROM scrobble_queue WHERE user_id = $1 AND id = $2 AND position >= 0
        ), lane AS (
            SELECT l.user_id, l.provider FROM queue_lanes l JOIN target t USING (provider)
            WHERE l.user_id = $1 FOR UPDATE OF l
        ), gone AS (
            DELETE FROM scrobble_queue q USING lane
            WHERE q.user_id = $1 AND q.id = $2 AND q.position >= 0 AND q.status = 'pending'
            RETURNING \(leftColumns)
        ), moved AS (
            \(intoOutcomes("'cancelled'", reason: "'by hand'"))
        ), \(unagreed("true"))
        UPDATE queue_lanes l SET
            live_count = l.live_count - CASE g.urgency WHEN 0 THEN 1 ELSE 0 END,
            bulk_count = l.bulk_count - CASE g.urgency WHEN 1 THEN 1 ELSE 0 END,
            live_at = CASE WHEN g.urgency = 0 AND l.live_count = 1 THEN 'infinity' ELSE l.live_at END,
            bulk_at = CASE WHEN g.urgency = 1 AND l.bulk_count = 1 THEN 'infinity' ELSE l.bulk_at END
        FROM gone g WHERE l.user_id = g.user_id AND l.provider = g.provider
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Removes dead jobs from the outcomes, so that they can be queued again.
    static let revive = PGStatement(
        "queue.revive",
        """
        DELETE FROM queue_outcomes WHERE user_id = $1 AND id = $2 AND outcome = 'dead'
        RETURNING id, user_id, provider, urgency, media_type, media_id, action, payload, fingerprint
        """, kind: .write, row: revived)

    /// The same for many jobs, in the order in which they were created.
    static let reviveMany = PGStatement(
        "queue.reviveMany",
        """
        WITH chosen AS (
            SELECT o.user_id, o.id FROM queue_outcomes o JOIN scrobble_connections c USING (user_id, provider)
            WHERE o.outcome = 'dead' AND o.provider = ANY ($1) AND c.access_token_encrypted IS NOT NULL
            ORDER BY o.user_id, o.finished_at DESC, o.id DESC LIMIT $2
            FOR UPDATE OF o SKIP LOCKED
        ), gone AS (
            DELETE FROM queue_outcomes o USING chosen c WHERE o.user_id = c.user_id AND o.id = c.id
            RETURNING o.id, o.user_id, o.provider, o.urgency, o.media_type, o.media_id, o.action, o.payload,
                o.fingerprint
        )
        SELECT id, user_id, provider, urgency, media_type, media_id, action, payload, fingerprint FROM gone
        ORDER BY id
        """, kind: .write, row: revived)

    @Sendable private static func revived(_ row: inout PGRowReader) throws(PGError) -> NewJob {
        let id = UUIDBits(try row.next(PGUUID.self))
        let lane = LaneKey(user: try row.next(), provider: try row.next())
        return NewJob(
            id: id, lane: lane, urgency: try row.next(), kind: try row.next(), title: try row.next(),
            action: try row.next(), payload: try row.nextJSON(), fingerprint: try row.next())
    }

    /// Ordered by id, so that jobs of one moment stay in sequence.
    static let waiting = PGStatement(
        "queue.waiting",
        """
        SELECT created_at, id, provider, media_id, media_type, action, status, reason, retry_count, created_at,
            next_retry_at, NULL::timestamptz
        FROM scrobble_queue WHERE user_id = $1 AND id < $2 AND position >= 0 ORDER BY id DESC LIMIT $3
        """, row: listed)

    static let finished = PGStatement(
        "queue.finished",
        """
        SELECT finished_at, id, provider, media_id, media_type, action, outcome, reason, retry_count, created_at,
            NULL::timestamptz, finished_at
        FROM queue_outcomes WHERE user_id = $1 AND (finished_at, id) < ($2, $3)
        ORDER BY finished_at DESC, id DESC LIMIT $4
        """, row: listed)

    static let dead = PGStatement(
        "queue.dead",
        """
        SELECT finished_at, id, provider, media_id, media_type, action, outcome, reason, retry_count, created_at,
            NULL::timestamptz, finished_at
        FROM queue_outcomes WHERE user_id = $1 AND outcome = 'dead' AND (finished_at, id) < ($2, $3)
        ORDER BY finished_at DESC, id DESC LIMIT $4
        """, row: listed)

    @Sendable private static func listed(_ row: inout PGRowReader) throws(PGError) -> ListedJob {
        let listedAt: Timestamp = try row.next()
        let job = Job(
            id: try row.next(), provider: try row.next(), title: try row.next(), kind: try row.next(),
            action: try row.next(), state: try row.next(), reason: try row.next(), tries: try row.next(),
            createdAt: try row.next(), nextTryAt: try row.next(), finishedAt: try row.next())
        return ListedJob(job: job, place: HistoryCursor(listedAt: listedAt, id: PlayID(job.id.uuid)))
    }

    static let pause = PGCommand(
        "queue.pause",
        """
        UPDATE queue_lanes SET is_paused = $3, resumed_fence = CASE WHEN $3 THEN resumed_fence ELSE fence END
        WHERE user_id = $1 AND provider = $2
        """)

    /// Cancels everything that waits for a connection. The lane stays, so that its fence keeps growing.
    static let clearLane = PGCommand(
        "queue.clearLane",
        """
        WITH lane AS (
            UPDATE queue_lanes SET live_count = 0, bulk_count = 0, live_at = 'infinity', bulk_at = 'infinity',
                live_from = next_position, bulk_from = next_position, fence = fence + 1, worker = NULL,
                held_until = '-infinity', is_paused = false
            WHERE user_id = $1 AND provider = $2 RETURNING user_id, provider
        ), gone AS (
            DELETE FROM scrobble_queue q USING lane l WHERE q.user_id = l.user_id AND q.provider = l.provider
            RETURNING \(leftColumns), q.status
        ), untold AS (
            -- The next sync plans it anew.
            UPDATE sync_changes c SET state = 'skipped', reason = 'disconnected'
            FROM gone g WHERE c.user_id = g.user_id AND c.job_id = g.id AND c.state = 'queued'
            RETURNING c.position
        ), \(unagreed("true", removal: "d.status IN ('sending', 'verify')"))
        \(intoOutcomes("'cancelled'", reason: "'disconnected'"))
        """)

    /// Deletes outcomes that are no longer needed.
    static let sweep = PGCommand(
        "queue.sweep",
        """
        DELETE FROM queue_outcomes o USING (
            SELECT user_id, id FROM queue_outcomes
            WHERE finished_at < now() - $1 * interval '1 second' AND outcome <> 'dead' LIMIT $2
        ) old WHERE o.user_id = old.user_id AND o.id = old.id
        """)

    /// Takes the turn at a periodic job if it is due and nobody has taken it, and sets the next turn in the same
    /// statement.
    static let takeTurn = PGStatement(
        "queue.takeTurn",
        """
        INSERT INTO periodic_jobs AS p (name, due_at, fence, worker)
        VALUES ($1, clock_timestamp() + $3 * interval '1 second', 1, $2)
        ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at, fence = p.fence + 1, worker = excluded.worker
            WHERE p.due_at <= clock_timestamp()
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    @Sendable private static func claimedRow(_ row: inout PGRowReader) throws(PGError) -> ClaimedRow {
        let key = LaneKey(user: try row.next(), provider: try row.next())
        let fence: Int64 = try row.next()
        let urgency: JobUrgency = try row.next()
        let (isLive, dueAt): (Bool, Timestamp) = (try row.next(), try row.next())
        let (id, position): (PGUUID?, Int64?) = (try row.next(), try row.next())
        let (kind, title, action): (TitleKind?, TitleID?, JobAction?) = (
            try row.next(), try row.next(), try row.next()
        )
        let payload: PGJSON? = try row.next()
        let status: JobStatus? = try row.next()
        let (retries, sends, looks, unsettled): (Int?, Int?, Int?, Int?) = (
            try row.next(), try row.next(), try row.next(), try row.next()
        )
        let (age, sinceSent): (Double?, Double?) = (try row.next(), try row.next())
        var job: QueueJob?
        if let id, let position, let kind, let title, let action, let payload, let status, let retries, let sends,
            let looks, let unsettled, let age, let sinceSent
        {
            let state = JobState(
                action: action, status: status, retryCount: retries, sends: sends, looks: looks, unsettled: unsettled,
                age: .seconds(max(0, age)), sinceSent: .seconds(max(0, sinceSent)))
            job = QueueJob(
                id: UUIDBits(id), position: position, kind: kind, title: title, action: action,
                payload: try payload.decoded(), state: state)
        }
        return ClaimedRow(key: key, fence: fence, urgency: urgency, isLive: isLive, dueAt: dueAt, job: job)
    }
}

/// One job of a claimed lane; a lane without a job if its jobs were committed while it was claimed.
struct ClaimedRow: Sendable {
    let key: LaneKey
    let fence: Int64
    let urgency: JobUrgency
    /// Whether the lane had live work; `dueAt` is since when it was due.
    let isLive: Bool
    let dueAt: Timestamp
    let job: QueueJob?
}

/// A job and its place in a list.
struct ListedJob: Sendable {
    let job: Job
    let place: HistoryCursor
}

extension JobID: PGScalar, PGDecodable {}
extension JobProgress: PGScalar, PGDecodable {}

/// A lane after its results were written.
package struct SettledLane: Sendable, Hashable {
    package let key: LaneKey
    /// How long until it may be claimed again; nil if nothing waits.
    package let nextTurn: Duration?
}

extension SyncProvider: PGScalar, PGDecodable {}
extension JobAction: PGScalar, PGDecodable {}
extension JobStatus: PGScalar, PGDecodable {}
extension JobUrgency: PGScalar, PGDecodable {
    package static func read(_ cell: PGCell) -> JobUrgency? { Int16.read(cell).flatMap(Self.init(rawValue:)) }
}

extension UUIDBits {
    init(_ uuid: PGUUID) { self.init(high: uuid.high, low: uuid.low) }
}

extension PGJSON {
    /// Decodes JSON that our own codec wrote.
    func decoded<Value: JSONDecodable>(as type: Value.Type = Value.self) throws(PGError) -> Value {
        do throws(JSONError) {
            return try decodeJSON(type, from: bytes)
        } catch {
            throw PGError(.decoding, "stored JSON is not a valid \(type): \(error)")
        }
    }
}
