package import Contracts
import JSON
import Postgres
import Store

/// The SQL statements for history, diary and deletion of a person.
enum ScrobbleQueries {
    /// A page of plays. `$6` is a kind or NULL, `$7` whether the date is unknown or NULL, `$8` the title or the series.
    static let plays: [HistoryShape: PGStatement<ListedPlay>] = Dictionary(
        uniqueKeysWithValues: HistoryShape.allCases.map { ($0, plays($0)) })

    private static func plays(_ shape: HistoryShape) -> PGStatement<ListedPlay> {
        let some = " AND ($6::text IS NULL OR kind = $6) AND ($7::boolean IS NULL OR (precision = 'unknown') = $7)"
        let filter =
            switch shape {
            case .all: ""
            case .some: some
            case .title: some + " AND title_id = $8"
            case .series: some + " AND series_id = $8"
            }
        return PGStatement(
            "scrobble.listPlays.\(shape)",
            """
            SELECT listed_at, id, title_id, kind, watched_at, watched_on, precision, percent
            FROM plays
            WHERE user_id = $1 AND removed_at IS NULL AND (listed_at, id) < ($2, $3) AND listed_at >= $5\(filter)
            ORDER BY listed_at DESC, id DESC LIMIT $4
            """, row: listedPlay)
    }

    static let playsByID = PGStatement(
        "scrobble.playsByID",
        """
        SELECT id, title_id, kind, watched_at, watched_on, precision, percent
        FROM plays WHERE user_id = $1 AND id = ANY ($2) AND removed_at IS NULL
        """, row: play)

    /// The diary. Days are in the time zone `$2`.
    static let diary = PGStatement(
        "scrobble.diary",
        """
        SELECT p.id, p.title_id, coalesce(p.watched_on, (p.watched_at AT TIME ZONE $2)::date),
            coalesce(n.is_rewatch, false) OR EXISTS (
                SELECT FROM plays e WHERE e.user_id = $1 AND e.title_id = p.title_id AND e.removed_at IS NULL
                    AND (e.listed_at, e.id) < (p.listed_at, p.id)),
            n.tags, n.rating, n.review, coalesce(n.is_spoiler, false), p.listed_at
        FROM plays p LEFT JOIN play_notes n ON n.user_id = p.user_id AND n.play_id = p.id
        WHERE p.user_id = $1 AND p.kind = 'movie' AND p.removed_at IS NULL
            -- What a file brought was written when its batch was, however old the file is.
            AND ($3::timestamptz IS NULL OR p.created_at > $3 OR n.changed_at > $3 OR EXISTS (
                SELECT FROM batches b WHERE b.user_id = $1 AND b.id IN (p.batch_id, n.batch_id) AND b.applied_at > $3))
            AND (p.listed_at, p.id) > ($4, $5)
        ORDER BY p.listed_at, p.id LIMIT $6
        """
    ) { row throws(PGError) in
        let (play, title): (PlayID, TitleID) = (try row.next(), try row.next())
        let day: CalendarDate? = try row.next()
        let isRewatch: Bool = try row.next()
        let tags: [String]? = try row.next()
        let (rating, review): (DecimalTenths?, String?) = (try row.next(), try row.next())
        let (isSpoiler, listedAt): (Bool, Timestamp) = (try row.next(), try row.next())
        return DiaryEntry(
            play: play, title: title, watchedOn: day, rewatch: isRewatch, tags: tags, rating: rating, review: review,
            spoiler: isSpoiler, place: HistoryCursor(listedAt: listedAt, id: play).text)
    }

    static let records = PGStatement(
        "scrobble.records",
        """
        SELECT p.listed_at, p.id, p.title_id, p.kind, p.watched_at, p.watched_on, p.precision, p.percent,
            coalesce(n.is_rewatch, false), n.tags, n.rating, n.review, n.review_html, coalesce(n.is_spoiler, false)
        FROM plays p LEFT JOIN play_notes n ON n.user_id = p.user_id AND n.play_id = p.id
        WHERE p.user_id = $1 AND p.removed_at IS NULL AND (p.listed_at, p.id) > ($2, $3)
        ORDER BY p.listed_at, p.id LIMIT $4
        """
    ) { row throws(PGError) in
        let listed = try listedPlay(&row)
        let isRewatch: Bool = try row.next()
        let tags: [String]? = try row.next()
        let (rating, review, html): (DecimalTenths?, String?, String?) = (
            try row.next(), try row.next(), try row.next()
        )
        let play = listed.play
        return PlayRecord(
            id: play.id, title: play.title, kind: play.kind, watchedAt: play.watchedAt, watchedOn: play.watchedOn,
            precision: play.precision, percent: play.percent, rewatch: isRewatch, tags: tags, rating: rating,
            review: review, html: html, spoiler: try row.next(), place: listed.place.text)
    }

    static let lockPerson = PGCommand(
        "scrobble.lockPerson", "SELECT pg_advisory_xact_lock(person_lock($1))")

    static let bury = PGCommand(
        "scrobble.bury", "INSERT INTO deleted_users (user_id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")

    /// The tables with a person's rows. `list_items` is deleted with the lists, uploads with their imports. The changes
    /// of batches come after what they changed, because deleting that adds to them, and the records of changes come
    /// last.
    static let removedWithPerson = [
        "queue_lanes", "queue_lane_names", "scrobble_queue", "queue_outcomes", "scrobble_connections", "sync_policies",
        "oauth_flows",
        "sync_base", "sync_changes", "sync_conflicts", "sync_runs", "sync_places", "facet_stops", "rate_buckets",
        "simkl_items", "simkl_places", "playback_sessions",
        "playback_settings", "plays", "play_sources", "hooks", "hook_accounts", "hook_deliveries", "hook_fingerprints",
        "events",
        "watchlist_items", "collection_items", "likes", "watch_progress", "lists",
        "batch_changes", "batches", "imports", "import_items", "import_rows", "import_spans", "match_overrides",
        "idempotency_keys", "state_changes",
    ]
    static let removePerson = removedWithPerson.map {
        PGCommand("scrobble.remove.\($0)", "DELETE FROM \($0) WHERE user_id = $1")
    }

    @Sendable private static func play(_ row: inout PGRowReader) throws(PGError) -> Play {
        Play(
            id: try row.next(), title: try row.next(), kind: try row.next(), watchedAt: try row.next(),
            watchedOn: try row.next(), precision: try row.next(), percent: try row.next())
    }

    @Sendable private static func listedPlay(_ row: inout PGRowReader) throws(PGError) -> ListedPlay {
        let listedAt: Timestamp = try row.next()
        let play = try Self.play(&row)
        return ListedPlay(play: play, place: HistoryCursor(listedAt: listedAt, id: play.id))
    }
}

/// A play and its place in the history.
package struct ListedPlay: Sendable {
    package let play: Play
    package let place: HistoryCursor
}
