import Contracts
import Postgres
import Store

/// The SQL statements for writing plays.
enum LedgerQueries {
    /// Serializes the writers of a person's ledger, so that the same play from two sources meets itself.
    static let lock = PGCommand("ledger.lock", "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 21))")

    /// The plays that incoming ones may be, including removed ones, with their sources. Days are in the time zone `$2`.
    ///
    /// For each title of `$3`, those from `$4` to `$5` (`PlayMatcher.reach`) and those without a date; also those known
    /// by the sources `$6` with the keys `$7`, or by the ids `$8`, even of another title.
    static let known = PGStatement(
        "ledger.known",
        """
        SELECT p.id, p.title_id, p.precision, p.watched_at,
            coalesce(p.watched_on, (p.watched_at AT TIME ZONE $2)::date), p.runtime_minutes,
            p.removed_at IS NOT NULL, p.created_at, s.names, s.keys, s.dated, p.batch_id IS NOT NULL
        FROM (
            SELECT n.id FROM unnest($3::uuid[], $4::timestamptz[], $5::timestamptz[]) AS i (title_id, earliest, latest)
            CROSS JOIN LATERAL (
                SELECT p.id FROM plays p
                WHERE p.user_id = $1 AND p.title_id = i.title_id
                    AND (p.listed_at BETWEEN i.earliest AND i.latest OR p.precision = 'unknown')
                OFFSET 0
            ) n
            UNION
            SELECT n.play_id FROM unnest($6::text[], $7::text[]) AS i (source, source_key)
            CROSS JOIN LATERAL (
                SELECT k.play_id FROM play_sources k
                WHERE k.user_id = $1 AND k.source = i.source AND k.source_key = i.source_key
                OFFSET 0
            ) n
            UNION
            SELECT unnest($8::uuid[])
        ) found CROSS JOIN LATERAL (
            SELECT p.user_id, p.id, p.title_id, p.precision, p.watched_at, p.watched_on, p.runtime_minutes,
                p.removed_at, p.created_at, p.batch_id
            FROM plays p WHERE p.user_id = $1 AND p.id = found.id
            OFFSET 0
        ) p
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(source), '{}') AS names, coalesce(array_agg(source_key), '{}') AS keys,
                coalesce(array_agg(is_dated), '{}') AS dated
            FROM play_sources s WHERE s.user_id = p.user_id AND s.play_id = p.id
        ) s
        """
    ) { row throws(PGError) in try knownPlay(&row) }

    static func knownPlay(_ row: inout PGRowReader) throws(PGError) -> KnownPlay {
        let (id, title): (PlayID, TitleID) = (try row.next(), try row.next())
        let precision: PlayPrecision = try row.next()
        let watchedAt: Timestamp? = try row.next()
        let day: CalendarDate? = try row.next()
        let runtime: Int? = try row.next()
        let isRemoved: Bool = try row.next()
        let knownSince: Timestamp = try row.next()
        let (names, keys, dated): ([String], [String], [Bool]) = (try row.next(), try row.next(), try row.next())
        let sources = zip(names, keys).map { PlaySource(name: $0, key: $1) }
        return KnownPlay(
            id: id, title: title, moment: PlayMoment(precision, watchedAt, day), runtimeMinutes: runtime,
            isRemoved: isRemoved, knownSince: knownSince, sources: Set(sources),
            undated: Set(zip(sources, dated).filter { !$0.1 }.map(\.0)), isBrought: try row.next())
    }

    /// The day of each moment in a time zone, in order.
    static let days = PGStatement(
        "ledger.days",
        """
        SELECT (moment AT TIME ZONE $2)::date FROM unnest($1::timestamptz[]) WITH ORDINALITY AS m (moment, place)
        ORDER BY place
        """
    ) { row throws(PGError) in try row.next(CalendarDate.self) }

    /// The start of each day in a time zone, in order. Days are given by their start in UTC.
    static let starts = PGStatement(
        "ledger.starts",
        """
        SELECT moment AT TIME ZONE 'UTC' AT TIME ZONE $2 FROM unnest($1::timestamptz[]) WITH ORDINALITY AS m (moment, place)
        ORDER BY place
        """
    ) { row throws(PGError) in try row.next(Timestamp.self) }

    /// Inserts plays. `$13` is the series of an episode, if it is already known.
    static let insert = PGCommand(
        "ledger.insert",
        """
        WITH written AS (
            INSERT INTO plays
                (user_id, id, title_id, kind, watched_at, watched_on, precision, percent, runtime_minutes, batch_id,
                 listed_at, created_at, series_id)
            SELECT $1, p.id, p.title_id, p.kind, watched_at, watched_on, precision, percent, p.runtime_minutes, $10,
                listed_at, $11, coalesce(p.series_id, r.series_id)
            FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::date[], $7::text[], $8::float8[],
                $9::int4[], $12::timestamptz[], $13::uuid[])
                AS p (id, title_id, kind, watched_at, watched_on, precision, percent, runtime_minutes, listed_at,
                    series_id)
                LEFT JOIN title_refs r ON r.title_id = p.title_id AND p.kind = 'episode'
            RETURNING series_id
        )
        INSERT INTO series_refs (series_id) SELECT DISTINCT series_id FROM written WHERE series_id IS NOT NULL
        ON CONFLICT DO NOTHING
        """)

    /// Adds sources to existing plays. All of them are new: `known` has returned the existing ones, and the ledger's
    /// lock has been held since.
    static let addSources = PGCommand(
        "ledger.addSources",
        """
        INSERT INTO play_sources (user_id, play_id, source, source_key, is_dated, seen_at, batch_id)
        SELECT $1, play_id, source, source_key, is_dated, $5, $6
        FROM unnest($2::uuid[], $3::text[], $4::text[], $7::boolean[]) AS s (play_id, source, source_key, is_dated)
        """)

    /// Records the state of plays before a batch reports them, in case another batch is undone.
    static let keepBefore = PGCommand(
        "ledger.keepBefore",
        """
        INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id, before)
        SELECT p.user_id, $2, 'play', '00000000-0000-0000-0000-000000000000', p.id, to_jsonb(p)
        FROM plays p WHERE p.user_id = $1 AND p.id = ANY ($3)
        ON CONFLICT DO NOTHING
        """)

    /// Writes the more precise dates of plays.
    static let refine = PGCommand(
        "ledger.refine",
        """
        UPDATE plays p SET
            watched_at = m.watched_at, watched_on = m.watched_on, precision = m.precision, listed_at = m.listed_at,
            batch_id = $7
        FROM unnest($2::uuid[], $3::timestamptz[], $4::date[], $5::text[], $6::timestamptz[])
            AS m (id, watched_at, watched_on, precision, listed_at)
        WHERE p.user_id = $1 AND p.id = m.id
        """)

    /// Ends the progress of titles that dates from before the moments `$3`.
    static let endProgress = PGCommand(
        "ledger.endProgress",
        """
        UPDATE watch_progress w SET removed_at = p.watched_at, changed_at = $4, batch_id = $5
        FROM unnest($2::uuid[], $3::timestamptz[]) AS p (title_id, watched_at)
        WHERE w.user_id = $1 AND w.title_id = p.title_id AND w.added_at <= p.watched_at AND w.removed_at IS NULL
        """)

    /// SQL for the moment by which other accounts know a play: noon if only its day is known, as they were told.
    private static let told = "CASE WHEN precision <> 'unknown' THEN listed_at END"

    /// The latest play of each job's title, as far as the connection is told of it. A play that the job removes
    /// elsewhere is skipped, even if it is present here.
    static let standing = PGStatement(
        "ledger.standing",
        """
        SELECT q.id, p.watched_at, p.precision
        FROM scrobble_queue q
        JOIN scrobble_connections c ON c.user_id = q.user_id AND c.provider = q.provider
        CROSS JOIN LATERAL (
            SELECT \(told) AS watched_at, precision FROM plays
            WHERE title_id = q.media_id AND user_id = q.user_id AND removed_at IS NULL
                AND (percent IS NULL OR percent >= c.scrobble_threshold_percent)
                AND q.fingerprint <> 'remove ' || id::text
            ORDER BY listed_at DESC, id DESC LIMIT 1
        ) p
        WHERE q.user_id = $1 AND q.id = ANY ($2) AND q.position >= 0
        """
    ) { row throws(PGError) in
        (
            job: UUIDBits(try row.next(PGUUID.self)),
            play: StandingPlay(watchedAt: try row.next(), precision: try row.next())
        )
    }

    /// A play that has not been removed, locked.
    static let hold = PGStatement(
        "ledger.hold",
        """
        SELECT title_id, kind, \(told), precision, percent FROM plays
        WHERE user_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE
        """, kind: .write
    ) { row throws(PGError) in
        HeldPlay(
            title: try row.next(), kind: try row.next(), watchedAt: try row.next(), precision: try row.next(),
            percent: try row.next())
    }

    /// Removes plays. Returns what they were, for the accounts that are told.
    static let remove = PGStatement(
        "ledger.remove",
        """
        UPDATE plays SET removed_at = $3, batch_id = $4 WHERE user_id = $1 AND id = ANY ($2) AND removed_at IS NULL
        RETURNING id, title_id, kind, \(told), precision
        """, kind: .write
    ) { row throws(PGError) in
        RemovedPlay(
            id: try row.next(), title: try row.next(), kind: try row.next(), watchedAt: try row.next(),
            precision: try row.next())
    }

    /// Restores removed plays at their person's request.
    static let restore = PGStatement(
        "ledger.restore",
        """
        UPDATE plays SET removed_at = NULL, batch_id = $3 WHERE user_id = $1 AND id = ANY ($2)
        RETURNING id, title_id, kind, \(told), precision
        """, kind: .write
    ) { row throws(PGError) in
        RemovedPlay(
            id: try row.next(), title: try row.next(), kind: try row.next(), watchedAt: try row.next(),
            precision: try row.next())
    }

    /// The connections that have been told, or are being told, that plays were removed. That those accounts lack them
    /// is our own doing, so what was agreed on with them about these plays is forgotten.
    static let toldRemovals = PGStatement(
        "ledger.toldRemovals",
        """
        WITH named AS (
            SELECT p.id, o.provider FROM unnest($2::uuid[]) AS p (id)
            JOIN queue_outcomes o ON o.user_id = $1 AND o.outcome = 'done' AND o.action = 'remove_play'
                AND split_part(o.fingerprint, ' ', 2) = p.id::text
            UNION
            SELECT p.id, q.provider FROM unnest($2::uuid[]) AS p (id)
            JOIN scrobble_queue q ON q.user_id = $1 AND q.fingerprint = 'remove ' || p.id::text
        ), told AS (
            -- Where the last word was not said yet, what was said before it counts no more.
            SELECT n.id, n.provider FROM named n WHERE NOT EXISTS (
                SELECT FROM unnest($3::text[], $4::text[]) AS u (provider, fingerprint)
                WHERE u.provider = n.provider AND u.fingerprint = 'remove ' || n.id::text)
        ), forgotten AS (
            DELETE FROM sync_base b USING told t
            WHERE b.user_id = $1 AND b.provider = t.provider AND b.facet = 'history' AND b.item_id = t.id AND NOT b.is_apart
            RETURNING b.item_id
        )
        SELECT provider, id FROM told
        """, kind: .write
    ) { row throws(PGError) in (provider: try row.next(SyncProvider.self), play: try row.next(PlayID.self)) }
}

/// A play that is about to be edited.
struct HeldPlay: Sendable {
    let title: TitleID
    let kind: TitleKind
    let watchedAt: Timestamp?
    let precision: PlayPrecision
    let percent: Double?
}

/// A play that was just removed or restored.
struct RemovedPlay: Sendable {
    let id: PlayID
    let title: TitleID
    let kind: TitleKind
    let watchedAt: Timestamp?
    let precision: PlayPrecision
}

extension PlayMoment {
    init(_ precision: PlayPrecision, _ watchedAt: Timestamp?, _ day: CalendarDate?) {
        switch (precision, watchedAt, day) {
        case (.second, .some(let instant), .some(let day)): self = .second(instant, day: day)
        case (.minute, .some(let instant), .some(let day)): self = .minute(instant, day: day)
        case (.day, _, .some(let day)): self = .day(day)
        default: self = .unknown
        }
    }
}
