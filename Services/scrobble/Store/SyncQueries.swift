package import Contracts
import Postgres
import Store

/// The SQL statements for syncs. Leases are timed by the database's clock.
enum SyncQueries {
    // MARK: Runs

    /// Opens a run, unless the connection has an open one.
    static let open = PGStatement(
        "sync.open",
        """
        INSERT INTO sync_runs (user_id, id, provider, is_dry, confirms, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (user_id, provider) WHERE state IN ('waiting', 'reading', 'applying') DO NOTHING
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Opens runs for connections of recently active people that have not been synced for a while.
    static let openDue = PGStatement(
        "sync.openDue",
        """
        WITH due AS (
            SELECT c.user_id, c.provider FROM scrobble_connections c
            WHERE c.enabled AND c.state = 'connected' AND c.provider = ANY ($1)
                AND c.polled_at <= clock_timestamp() - $2 * interval '1 second'
                AND EXISTS (SELECT FROM sync_policies p
                    WHERE p.user_id = c.user_id AND p.provider = c.provider AND p.direction <> 'off')
                AND NOT EXISTS (SELECT FROM queue_lanes l
                    WHERE l.user_id = c.user_id AND l.provider = c.provider AND l.is_paused)
                AND (c.connected_at > clock_timestamp() - $4 * interval '1 second'
                    OR EXISTS (SELECT FROM plays p WHERE p.user_id = c.user_id AND p.removed_at IS NULL
                        AND p.listed_at > clock_timestamp() - $4 * interval '1 second')
                    OR EXISTS (SELECT FROM sync_runs r WHERE r.user_id = c.user_id AND NOT r.is_background
                        AND r.created_at > clock_timestamp() - $4 * interval '1 second'))
            ORDER BY c.polled_at LIMIT cardinality($3::uuid[]) FOR UPDATE OF c SKIP LOCKED
        ), polled AS (
            UPDATE scrobble_connections c SET polled_at = clock_timestamp() + random() * interval '5 minutes'
            FROM due d WHERE c.user_id = d.user_id AND c.provider = d.provider
            RETURNING c.user_id, c.provider
        )
        INSERT INTO sync_runs (user_id, id, provider, is_dry, created_at, is_background)
        SELECT p.user_id, ($3::uuid[])[(row_number() OVER ())::int], p.provider, false, clock_timestamp(), true FROM polled p
        ON CONFLICT (user_id, provider) WHERE state IN ('waiting', 'reading', 'applying') DO NOTHING
        RETURNING true
        """, kind: .solo
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let dropIdle = PGCommand(
        "sync.dropIdle",
        """
        DELETE FROM sync_runs r WHERE r.user_id = $1 AND r.id = $2 AND r.is_background AND r.state = 'done'
            AND NOT EXISTS (SELECT FROM sync_changes c WHERE c.user_id = r.user_id AND c.run_id = r.id)
            AND NOT EXISTS (SELECT FROM sync_conflicts k WHERE k.user_id = r.user_id AND k.run_id = r.id)
        """)

    /// Leases due runs, each with a fence higher than that of every earlier holder.
    static let claim = PGStatement(
        "sync.claim",
        """
        WITH due AS (
            SELECT user_id, id FROM sync_runs
            WHERE state IN ('waiting', 'reading', 'applying') AND held_until <= clock_timestamp()
                AND provider = ANY ($3)
            ORDER BY held_until LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE sync_runs r SET fence = r.fence + 1, held_until = clock_timestamp() + $1 * interval '1 second',
            state = CASE r.state WHEN 'waiting' THEN 'reading' ELSE r.state END
        FROM due d WHERE r.user_id = d.user_id AND r.id = d.id
        RETURNING r.user_id, r.id, r.provider, r.is_dry, r.state = 'applying', r.confirms, r.fence, r.is_background,
            coalesce((SELECT c.time_zone FROM scrobble_connections c
                WHERE c.user_id = r.user_id AND c.provider = r.provider), 'UTC')
        """, kind: .solo
    ) { row throws(PGError) in
        ClaimedRun(
            user: try row.next(), id: try row.next(), provider: try row.next(), isDry: try row.next(),
            isPlanned: try row.next(), confirms: try row.next(), fence: try row.next(),
            isBackground: try row.next(), timeZone: try row.next())
    }

    /// Renews a lease; no row if it was lost. Every write of a run does so in the same transaction.
    static let hold = PGStatement(
        "sync.hold",
        """
        UPDATE sync_runs SET held_until = clock_timestamp() + $4 * interval '1 second'
        WHERE user_id = $1 AND id = $2 AND fence = $3 AND state IN ('reading', 'applying')
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let setState = PGCommand(
        "sync.setState",
        """
        UPDATE sync_runs SET state = coalesce($3, state), reason = $4, held_digest = coalesce($5, held_digest),
            held_until = clock_timestamp() + $6 * interval '1 second',
            finished_at = CASE WHEN $3 IN ('done', 'held', 'failed') THEN clock_timestamp() END
        WHERE user_id = $1 AND id = $2
        """)

    /// The digest of the removals of a held run that is being confirmed, if it has been held long enough.
    static let heldDigest = PGStatement(
        "sync.heldDigest",
        """
        SELECT held_digest FROM sync_runs
        WHERE user_id = $1 AND id = $2 AND state = 'held' AND held_digest IS NOT NULL
            AND finished_at <= clock_timestamp() - $3 * interval '1 second'
        """
    ) { row throws(PGError) in try row.next([UInt8].self) }

    static let runs = PGStatement(
        "sync.runs",
        """
        SELECT r.id, r.provider, r.is_dry, r.state, r.reason, r.created_at, r.finished_at, c.for_us, c.for_them, c.waiting,
            c.done, c.failed, c.held, c.clashes
        FROM sync_runs r CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE side = 'ours')::int AS for_us,
                count(*) FILTER (WHERE side = 'theirs')::int AS for_them,
                count(*) FILTER (WHERE state IN ('planned', 'queued'))::int AS waiting,
                count(*) FILTER (WHERE state = 'done')::int AS done,
                count(*) FILTER (WHERE state IN ('failed', 'skipped'))::int AS failed,
                count(*) FILTER (WHERE state = 'held')::int AS held,
                (SELECT count(*)::int FROM sync_conflicts k WHERE k.user_id = r.user_id AND k.run_id = r.id) AS clashes
            FROM sync_changes s WHERE s.user_id = r.user_id AND s.run_id = r.id
        ) c
        WHERE r.user_id = $1 AND ($2::uuid IS NULL OR r.id = $2) AND (r.created_at, r.id) < ($3, $4)
        ORDER BY r.created_at DESC, r.id DESC LIMIT $5
        """
    ) { row throws(PGError) in
        SyncRun(
            id: try row.next(), provider: try row.next(), isDryRun: try row.next(), state: try row.next(),
            reason: try row.next(), createdAt: try row.next(), finishedAt: try row.next(), changesHere: try row.next(),
            changesThere: try row.next(), waiting: try row.next(), done: try row.next(), failed: try row.next(),
            held: try row.next(), conflicts: try row.next())
    }

    // MARK: Plans

    static let addChanges = PGCommand(
        "sync.addChanges",
        """
        INSERT INTO sync_changes
            (user_id, run_id, position, facet, side, title_id, kind, play_id, their_id, was, becomes, at, state, reason,
             is_undo, our_version)
        SELECT $1, $2, position, facet, side, title_id, kind, play_id, their_id, was, becomes, at, state, reason, is_undo,
            our_version
        FROM unnest($3::int4[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::uuid[], $9::bigint[], $10::text[],
            $11::text[], $12::timestamptz[], $13::text[], $14::text[], $15::boolean[], $16::bigint[])
            AS c (position, facet, side, title_id, kind, play_id, their_id, was, becomes, at, state, reason, is_undo,
                our_version)
        """)

    static let changes = PGStatement(
        "sync.changes",
        """
        SELECT \(change) FROM sync_changes c
        WHERE user_id = $1 AND run_id = $2 AND position > $3 AND ($4::text IS NULL OR (state = 'planned' AND side = $4))
        ORDER BY position LIMIT $5
        """
    ) { row throws(PGError) in
        try readChange(&row)
    }

    static let change = """
        c.position, c.facet, c.side, c.title_id, c.kind, c.play_id, c.their_id, c.was, c.becomes, c.at, c.state, c.reason,
        c.is_undo, c.our_version
        """

    static func readChange(_ row: inout PGRowReader) throws(PGError) -> SyncChange {
        SyncChange(
            position: try row.next(), facet: try row.next(), side: try row.next(), title: try row.next(),
            kind: try row.next(), play: try row.next(), theirs: try row.next(), was: try row.next(),
            becomes: try row.next(), at: try row.next(), state: try row.next(), reason: try row.next(),
            isUndo: try row.next(), ourVersion: try row.next())
    }

    static let settleChanges = PGCommand(
        "sync.settleChanges",
        """
        UPDATE sync_changes c SET state = s.state, reason = s.reason, job_id = s.job_id
        FROM unnest($3::int4[], $4::text[], $5::text[], $6::uuid[]) AS s (position, state, reason, job_id)
        WHERE c.user_id = $1 AND c.run_id = $2 AND c.position = s.position AND c.state = 'planned'
        """)

    /// Records the results of queued changes in the base: a confirmed write is what both sides agree on from then on.
    static let settleQueued = PGCommand(
        "sync.settleQueued",
        """
        WITH finished AS (
            SELECT c.user_id, c.run_id, c.position, c.facet, c.title_id, c.kind, c.play_id, c.was, c.becomes, c.is_undo,
                r.provider, o.outcome, o.reason, o.finished_at
            FROM sync_changes c
            JOIN queue_outcomes o ON o.user_id = c.user_id AND o.id = c.job_id
            JOIN sync_runs r ON r.user_id = c.user_id AND r.id = c.run_id
            WHERE c.user_id = $1 AND c.state = 'queued'
        ), settled AS (
            UPDATE sync_changes c SET state = CASE f.outcome WHEN 'done' THEN 'done' ELSE 'failed' END, reason = f.reason
            FROM finished f WHERE c.user_id = f.user_id AND c.run_id = f.run_id AND c.position = f.position
            RETURNING c.position
        ), gone AS (
            DELETE FROM sync_base b USING finished f
            WHERE f.outcome = 'done' AND f.facet = 'history' AND f.becomes IS NULL AND NOT f.is_undo
                AND b.user_id = f.user_id AND b.provider = f.provider AND b.facet = f.facet AND b.item_id = f.play_id
            RETURNING b.item_id
        )
        INSERT INTO sync_base AS b
            (user_id, provider, facet, item_id, title_id, kind, value, written_at, was, is_apart)
        SELECT DISTINCT ON (facet, item_id) user_id, provider, facet, coalesce(play_id, title_id) AS item_id, title_id, kind,
            becomes, finished_at, was, is_undo
        FROM finished
        WHERE outcome = 'done' AND NOT (facet = 'history' AND becomes IS NULL)
        ORDER BY facet, item_id, finished_at DESC
        ON CONFLICT (user_id, provider, facet, item_id) DO UPDATE SET
            value = excluded.value, written_at = excluded.written_at, was = excluded.was, is_let_go = false,
            is_apart = excluded.is_apart, apart = CASE WHEN excluded.is_apart THEN b.apart END
        """)

    // MARK: Base

    static let base = PGStatement(
        "sync.base",
        """
        SELECT facet, item_id, title_id, kind, value, their_id, written_at, was, is_let_go, is_apart, apart
        FROM sync_base WHERE user_id = $1 AND provider = $2 AND facet = $3
        """
    ) { row throws(PGError) in
        BaseRow(
            facet: try row.next(), item: UUIDBits(try row.next(PGUUID.self)), title: try row.next(),
            kind: try row.next(), value: try row.next(), theirs: try row.next(), writtenAt: try row.next(),
            was: try row.next(), isLetGo: try row.next(), isApart: try row.next(), apart: try row.next())
    }

    static let putBase = PGCommand(
        "sync.putBase",
        """
        INSERT INTO sync_base
            (user_id, provider, facet, item_id, title_id, kind, value, their_id, is_let_go, is_apart, written_at, was,
             apart)
        SELECT $1, $2, facet, item_id, title_id, kind, value, their_id, is_let_go::boolean, is_apart::boolean, $12, was,
            apart
        FROM unnest($3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[],
            $11::text[], $13::text[])
            AS b (facet, item_id, title_id, kind, value, their_id, is_let_go, is_apart, was, apart)
        ON CONFLICT (user_id, provider, facet, item_id) DO UPDATE SET
            value = excluded.value, their_id = excluded.their_id, is_let_go = excluded.is_let_go,
            is_apart = excluded.is_apart, written_at = excluded.written_at, was = excluded.was, apart = excluded.apart
        """)

    static let forget = PGCommand(
        "sync.forget",
        """
        DELETE FROM sync_base b USING unnest($3::text[], $4::uuid[]) AS f (facet, item_id)
        WHERE b.user_id = $1 AND b.provider = $2 AND b.facet = f.facet AND b.item_id = f.item_id
        """)

    static let resetBase = PGCommand(
        "sync.resetBase", "DELETE FROM sync_base WHERE user_id = $1 AND provider = $2")
    static let resetPlaces = PGCommand(
        "sync.resetPlaces", "DELETE FROM sync_places WHERE user_id = $1 AND provider = $2")

    // MARK: Our side

    /// The plays that a sync of the history considers, including removed ones.
    static let plays = PGStatement(
        "sync.plays",
        """
        SELECT id, title_id, kind, precision, watched_at, coalesce(watched_on, (watched_at AT TIME ZONE 'UTC')::date),
            runtime_minutes, removed_at IS NOT NULL, percent, created_at
        FROM plays WHERE user_id = $1
        """
    ) { row throws(PGError) in
        let (id, title, kind): (PlayID, TitleID, TitleKind) = (try row.next(), try row.next(), try row.next())
        let precision: PlayPrecision = try row.next()
        let (watchedAt, day): (Timestamp?, CalendarDate?) = (try row.next(), try row.next())
        let (runtime, isRemoved, percent): (Int?, Bool, Double?) = (try row.next(), try row.next(), try row.next())
        return StoredPlay(
            id: id, title: title, kind: kind, moment: PlayMoment(precision, watchedAt, day), runtimeMinutes: runtime,
            isRemoved: isRemoved, percent: percent, createdAt: try row.next())
    }

    /// A version that changes with anything on a shelf.
    static let shelfVersion: [LedgerShelf: PGStatement<Int64>] = Dictionary(
        uniqueKeysWithValues: LedgerShelf.allCases.map { shelf in
            (
                shelf,
                PGStatement(
                    "sync.shelfVersion.\(shelf.rawValue)",
                    """
                    SELECT coalesce((extract(epoch FROM max(changed_at)) * 1000000)::bigint, 0) + count(*)
                    FROM \(shelf.table) WHERE user_id = $1
                    """
                ) { row throws(PGError) in try row.next(Int64.self) }
            )
        })

    /// A version that changes with anything about a person's plays: a hash over all of them. A count would stay the
    /// same if one play is removed and another restored.
    static let playsVersion = PGStatement(
        "sync.playsVersion",
        """
        SELECT bit_xor(uuid_hash_extended(id, uuid_hash_extended(title_id, timestamp_hash_extended(
            listed_at AT TIME ZONE 'UTC', CASE WHEN removed_at IS NULL THEN 1 ELSE 2 END))))
        FROM plays WHERE user_id = $1 HAVING count(*) > 0
        """
    ) { row throws(PGError) in try row.next(Int64.self) }

    /// Titles and plays that something is being sent about to the other side, or was a moment ago.
    static let inFlight = PGStatement(
        "sync.inFlight",
        """
        SELECT media_id, action, fingerprint, true, (payload->>'theirs')::bigint, payload->>'watched_at'
        FROM scrobble_queue WHERE user_id = $1 AND provider = $2
        UNION ALL
        SELECT media_id, action, fingerprint, false, (payload->>'theirs')::bigint, payload->>'watched_at'
        FROM queue_outcomes
        WHERE user_id = $1 AND provider = $2 AND outcome = 'done'
            AND finished_at > clock_timestamp() - $3 * interval '1 second'
        """
    ) { row throws(PGError) in
        (
            title: try row.next(TitleID.self), action: try row.next(JobAction.self),
            fingerprint: try row.next(String.self), isWaiting: try row.next(Bool.self),
            theirs: try row.next(Int64?.self), watchedAt: try row.next(String?.self)
        )
    }

    static let playedThere = PGStatement(
        "sync.playedThere",
        """
        SELECT coalesce(s.play_id::text, split_part(o.fingerprint, ' ', 2)), o.reason FROM queue_outcomes o
        LEFT JOIN playback_sessions s ON s.user_id = o.user_id AND s.id::text = split_part(o.fingerprint, ' ', 2)
        WHERE o.user_id = $1 AND o.provider = $2 AND o.outcome = 'done' AND o.reason LIKE $3
        """
    ) { row throws(PGError) in (try row.next(String.self), try row.next(String.self)) }

    /// What the other side rejected, so that it is not retried by every sync while it stays the same. What was sent
    /// again by hand since is not included.
    static let refused = PGStatement(
        "sync.refused",
        """
        SELECT c.facet, c.title_id, c.play_id, c.becomes FROM sync_changes c
        JOIN sync_runs r ON r.user_id = c.user_id AND r.id = c.run_id
        WHERE c.user_id = $1 AND r.provider = $2 AND c.state = 'failed' AND c.side = 'theirs'
            AND c.reason IS DISTINCT FROM 'account_limit' AND c.reason IS DISTINCT FROM 'vip_required'
            AND (c.job_id IS NULL OR c.reason IN ('by hand', 'taken back') OR EXISTS (
                SELECT FROM queue_outcomes o WHERE o.user_id = c.user_id AND o.id = c.job_id AND o.outcome = 'dead'))
        """
    ) { row throws(PGError) in
        (
            facet: try row.next(SyncFacet.self), title: try row.next(TitleID.self), play: try row.next(PlayID?.self),
            becomes: try row.next(String?.self)
        )
    }

    // MARK: Conflicts, places

    static let addClashes = PGCommand(
        "sync.addClashes",
        """
        INSERT INTO sync_conflicts
            (user_id, id, provider, facet, title_id, kind, base, ours, theirs, winner, run_id, created_at)
        SELECT $1, id, $2, facet, title_id, kind, base, ours, theirs, winner, $3, $12
        FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
            AS c (id, facet, title_id, kind, base, ours, theirs, winner)
        ON CONFLICT (user_id, provider, facet, title_id) WHERE winner IS NULL DO UPDATE SET
            base = excluded.base, ours = excluded.ours, theirs = excluded.theirs, winner = excluded.winner,
            run_id = excluded.run_id, resolved_at = CASE WHEN excluded.winner IS NULL THEN NULL ELSE excluded.created_at END
        """)

    static let clashes = PGStatement(
        "sync.clashes",
        """
        SELECT id, provider, facet, title_id, kind, base, ours, theirs, winner, run_id, created_at, resolved_at
        FROM sync_conflicts
        WHERE user_id = $1 AND (NOT $2 OR winner IS NULL) AND (created_at, id) < ($3, $4)
        ORDER BY created_at DESC, id DESC LIMIT $5
        """
    ) { row throws(PGError) in
        SyncConflict(
            id: try row.next(), provider: try row.next(), facet: try row.next(), title: try row.next(),
            kind: try row.next(), base: try row.next(), ours: try row.next(), theirs: try row.next(),
            winner: try row.next(), run: try row.next(), createdAt: try row.next(), resolvedAt: try row.next())
    }

    /// Records the person's decision about an open conflict; the next sync carries it out.
    static let resolve = PGStatement(
        "sync.resolve",
        """
        UPDATE sync_conflicts SET winner = $3, resolved_at = $4 WHERE user_id = $1 AND id = $2 AND winner IS NULL
        RETURNING provider
        """, kind: .write
    ) { row throws(PGError) in try row.next(SyncProvider.self) }

    /// The sides that the person chose, for conflicts that may still exist on the other side.
    static let chosen = PGStatement(
        "sync.chosen",
        """
        SELECT DISTINCT ON (facet, title_id) facet, title_id, ours, theirs, winner FROM sync_conflicts
        WHERE user_id = $1 AND provider = $2 AND winner IS NOT NULL AND resolved_at IS NOT NULL
        ORDER BY facet, title_id, resolved_at DESC
        """
    ) { row throws(PGError) in
        ChosenSide(
            facet: try row.next(), title: try row.next(), ours: try row.next(), theirs: try row.next(),
            winner: try row.next())
    }

    static let places = PGStatement(
        "sync.places",
        "SELECT facet, stamps, our_version, whole_at FROM sync_places WHERE user_id = $1 AND provider = $2"
    ) { row throws(PGError) in
        let facet: SyncFacet = try row.next()
        let stamps: String = try row.next()
        let pairs = stamps.split(separator: "\n").compactMap { line in
            line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
        }
        return SyncPlace(
            facet: facet, stamps: Dictionary(pairs) { first, _ in first }, ourVersion: try row.next(),
            wholeAt: try row.next())
    }

    static let putPlaces = PGCommand(
        "sync.putPlaces",
        """
        INSERT INTO sync_places (user_id, provider, facet, stamps, our_version, whole_at)
        SELECT $1, $2, facet, stamps, our_version, whole_at
        FROM unnest($3::text[], $4::text[], $5::bigint[], $6::timestamptz[]) AS p (facet, stamps, our_version, whole_at)
        ON CONFLICT (user_id, provider, facet) DO UPDATE SET
            stamps = excluded.stamps, our_version = excluded.our_version, whole_at = excluded.whole_at
        """)

    static let reopen = PGCommand(
        "sync.reopen", "UPDATE sync_places SET stamps = '' WHERE user_id = $1 AND provider = $2 AND facet = ANY ($3)")
}

/// A run that a worker has leased.
package struct ClaimedRun: Sendable, Hashable {
    package let user: UserID
    /// The run's id, which is also the id of the batch of its changes.
    package let id: BatchID
    package let provider: SyncProvider
    package let isDry: Bool
    /// Whether its plan is already stored; what remains of it is to be done.
    package let isPlanned: Bool
    package let confirms: BatchID?
    package let fence: Int64
    /// Whether nobody requested it.
    package let isBackground: Bool
    /// The person's time zone.
    package let timeZone: String

    package var lane: LaneKey { LaneKey(user: user, provider: provider) }
}

/// A play as a sync reads it.
package struct StoredPlay: Sendable {
    package let id: PlayID
    package let title: TitleID
    package let kind: TitleKind
    package let moment: PlayMoment
    package let runtimeMinutes: Int?
    package let isRemoved: Bool
    package let percent: Double?
    /// When the play was written down here.
    package let createdAt: Timestamp
}

/// A conflict that its person has decided.
package struct ChosenSide: Sendable {
    package let facet: SyncFacet
    package let title: TitleID
    package let ours: String
    package let theirs: String
    package let winner: SyncSide
}

extension SyncChange.State: PGScalar, PGDecodable {}
extension SyncRunState: PGScalar, PGDecodable {}
extension ConflictID: PGScalar, PGDecodable {}
