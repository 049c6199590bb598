package import Contracts
import Postgres
import Store

/// The SQL statements for what follows from plays: what was watched, and what comes next.
enum WatchQueries {
    /// The episodes of a series, or of its season `$3`, each with its state for a person.
    static let episodes = PGStatement(
        "watch.episodes",
        """
        SELECT e.title_id, e.season_number, e.episode_number, e.released_on, p.count, p.last_at
        FROM title_refs e CROSS JOIN LATERAL (
            SELECT count(*), max(listed_at) AS last_at FROM plays p
            WHERE p.user_id = $1 AND p.title_id = e.title_id AND p.removed_at IS NULL
        ) p
        WHERE e.series_id = $2 AND e.kind = 'episode' AND e.season_number IS NOT NULL AND e.episode_number IS NOT NULL
            AND ($3::int4 IS NULL OR e.season_number = $3)
        ORDER BY e.season_number, e.episode_number
        """
    ) { row throws(PGError) in
        EpisodeState(
            title: try row.next(), season: try row.next(), number: try row.next(), releasedOn: try row.next(),
            plays: try row.next(), lastPlayedAt: try row.next())
    }

    /// How often some titles were watched, and when last.
    static let titles = PGStatement(
        "watch.titles",
        """
        SELECT t.title_id, p.count, p.last_at
        FROM unnest($2::uuid[]) AS t (title_id) CROSS JOIN LATERAL (
            SELECT count(*), max(listed_at) AS last_at FROM plays p
            WHERE p.user_id = $1 AND p.title_id = t.title_id AND p.removed_at IS NULL
        ) p
        """
    ) { row throws(PGError) in
        WatchedTitle(title: try row.next(), plays: try row.next(), lastPlayedAt: try row.next())
    }

    /// The states of some titles for a person; those of a show count the plays of its episodes.
    static let states = PGStatement(
        "watch.states",
        """
        SELECT t.title_id, o.count + e.count, greatest(o.last_at, e.last_at),
            CASE WHEN (o.last_at >= w.added_at) IS NOT TRUE THEN w.percent END,
            (SELECT coalesce(i.status, 'plan_to_watch') FROM watchlist_items i
                WHERE i.user_id = $1 AND i.title_id = t.title_id AND i.removed_at IS NULL),
            EXISTS (SELECT FROM collection_items i
                WHERE i.user_id = $1 AND i.title_id = t.title_id AND i.removed_at IS NULL),
            EXISTS (SELECT FROM likes i WHERE i.user_id = $1 AND i.title_id = t.title_id AND i.removed_at IS NULL)
        FROM unnest($2::uuid[]) AS t (title_id) CROSS JOIN LATERAL (
            SELECT count(*), max(listed_at) AS last_at FROM plays p
            WHERE p.user_id = $1 AND p.title_id = t.title_id AND p.removed_at IS NULL
        ) o CROSS JOIN LATERAL (
            SELECT count(*), max(listed_at) AS last_at FROM plays p
            WHERE p.user_id = $1 AND p.series_id = t.title_id AND p.removed_at IS NULL
        ) e LEFT JOIN watch_progress w ON w.user_id = $1 AND w.title_id = t.title_id AND w.removed_at IS NULL
        """, row: standing)

    /// The state of one title; calls that wait together become one statement. It is written so that nothing in it can
    /// be answered by scanning a whole table, which the planner considers cheap while a table is small.
    static let state = PGStatement(
        "watch.state", state(of: "(VALUES ($1::uuid, $2::uuid)) AS t (person, title_id)"),
        many: PGManyText(
            state(
                of: "unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS t (person, title_id, place)",
                first: "t.place, ")), row: standing)

    /// The state versions of several people, each with the place of its question, from 1. If the version is not the
    /// known one, there is a row for each title, in order (`$4`, with the place of its question in `$3`). The changes
    /// of a person are counted only once, for however many versions they are asked about.
    static let statesSince = PGStatement(
        "watch.statesSince",
        """
        WITH people AS MATERIALIZED (
            SELECT p.id, v.version FROM (SELECT DISTINCT id FROM unnest($1::uuid[]) AS id) p CROSS JOIN LATERAL (
                SELECT count(*) || ':' || coalesce(sum(c.xid::text::bigint), 0) AS version
                FROM state_changes c WHERE c.user_id = p.id
            ) v
        ), asked AS MATERIALIZED (
            SELECT g.place, g.person, p.version, g.known IS NOT DISTINCT FROM p.version AS is_known
            FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS g (person, known, place)
            JOIN people p ON p.id = g.person
        )
        SELECT \(Database.versionSQL), a.place, a.version, a.is_known, s.*
        FROM asked a LEFT JOIN LATERAL (
            \(state(
                of: """
                    (SELECT a.person, n.title_id, n.place
                    FROM unnest($3::bigint[], $4::uuid[]) WITH ORDINALITY AS n (question, title_id, place)
                    WHERE n.question = a.place AND NOT a.is_known OFFSET 0) t
                    """, last: ", t.place AS nth"))
        ) s ON true
        ORDER BY a.place, s.nth
        """
    ) { row throws(PGError) in
        let data: String = try row.next()
        let place: Int = try row.next()
        let version: String = try row.next()
        let isKnown: Bool = try row.next()
        let title: TitleID? = try row.next()
        var state: TitleStanding?
        if let title { state = try standing(of: title, &row) }
        return WatchStore.LookedUp(
            data: data, index: place - 1, version: version, isKnown: isKnown, state: state)
    }

    static let sweepChanges = PGStatement(
        "watch.sweepChanges",
        """
        DELETE FROM state_changes WHERE (user_id, xid) IN (
            SELECT user_id, xid FROM state_changes WHERE changed_at < now() - $1 * interval '1 second' LIMIT $2)
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    private static func state(of asked: String, first: String = "", last: String = "") -> String {
        func isKept(_ table: String) -> String {
            """
            (SELECT true FROM \(table) i
                WHERE i.user_id = t.person AND i.title_id = t.title_id AND i.removed_at IS NULL LIMIT 1) IS NOT NULL
            """
        }
        return """
            SELECT \(first)t.title_id, o.count + e.count, greatest(o.last_at, e.last_at),
                (SELECT w.percent FROM watch_progress w
                    WHERE w.user_id = t.person AND w.title_id = t.title_id AND w.removed_at IS NULL
                        AND (o.last_at >= w.added_at) IS NOT TRUE LIMIT 1),
                (SELECT coalesce(i.status, 'plan_to_watch') FROM watchlist_items i
                    WHERE i.user_id = t.person AND i.title_id = t.title_id AND i.removed_at IS NULL LIMIT 1),
                \(isKept("collection_items")), \(isKept("likes"))\(last)
            FROM \(asked) CROSS JOIN LATERAL (
                SELECT count(*), max(listed_at) AS last_at FROM plays p
                WHERE p.user_id = t.person AND p.title_id = t.title_id AND p.removed_at IS NULL
            ) o CROSS JOIN LATERAL (
                SELECT count(*), max(listed_at) AS last_at FROM plays p
                WHERE p.user_id = t.person AND p.series_id = t.title_id AND p.removed_at IS NULL
            ) e
            """
    }

    @Sendable private static func standing(_ row: inout PGRowReader) throws(PGError) -> TitleStanding {
        try standing(of: try row.next(), &row)
    }

    private static func standing(of title: TitleID, _ row: inout PGRowReader) throws(PGError) -> TitleStanding {
        TitleStanding(
            title: title, plays: try row.next(), lastPlayedAt: try row.next(), percent: try row.next(),
            wishStatus: try row.next(String?.self).flatMap(WishStatus.init(rawValue:)),
            inCollection: try row.next(), isLiked: try row.next())
    }

    /// How far a person got with a title that has no play since.
    static let progress = PGStatement(
        "watch.progress",
        """
        SELECT w.percent, w.added_at FROM watch_progress w
        WHERE w.user_id = $1 AND w.title_id = $2 AND w.removed_at IS NULL AND NOT EXISTS (
            SELECT FROM plays p WHERE p.user_id = $1 AND p.title_id = $2 AND p.removed_at IS NULL
                AND p.listed_at >= w.added_at)
        """
    ) { row throws(PGError) in HalfWatched(percent: try row.next(), at: try row.next()) }

    /// The plays of some titles that have not been removed.
    static let plays = PGStatement(
        "watch.plays",
        "SELECT id FROM plays WHERE user_id = $1 AND title_id = ANY ($2) AND removed_at IS NULL"
    ) { row throws(PGError) in try row.next(PlayID.self) }

    /// What a person may continue with, latest first: films and episodes with progress, and the next episode of every
    /// other show in progress. `$2` is today; there are `$3` rows at most.
    ///
    /// A person's shows are found by skipping from one to the next in the index; each takes one look at its latest
    /// play. The rule is that of `ShowProgress.next`. Shows that were put on hold or given up since are left out. A
    /// show whose plays all lack dates is placed at the time when they were written down.
    static let goingOn = PGStatement(
        "watch.goingOn",
        """
        WITH RECURSIVE shows (series_id) AS (
            (SELECT series_id FROM plays WHERE user_id = $1 AND series_id IS NOT NULL AND removed_at IS NULL
                ORDER BY series_id LIMIT 1)
            UNION ALL
            SELECT (SELECT p.series_id FROM plays p
                WHERE p.user_id = $1 AND p.series_id > s.series_id AND p.removed_at IS NULL
                ORDER BY p.series_id LIMIT 1)
            FROM shows s WHERE s.series_id IS NOT NULL
        ), halves AS (
            SELECT w.title_id, w.kind, r.series_id, w.percent, w.added_at
            FROM watch_progress w LEFT JOIN title_refs r ON r.title_id = w.title_id
            WHERE w.user_id = $1 AND w.removed_at IS NULL AND NOT EXISTS (
                SELECT FROM plays p WHERE p.user_id = $1 AND p.title_id = w.title_id AND p.removed_at IS NULL
                    AND p.listed_at >= w.added_at)
                AND NOT EXISTS (SELECT FROM watchlist_items i
                    WHERE i.user_id = $1 AND i.title_id IN (w.title_id, r.series_id) AND i.removed_at IS NULL
                        AND i.status IS NOT NULL AND i.added_at >= w.added_at)
            ORDER BY w.added_at DESC LIMIT $3
        ), lasts AS (
            SELECT s.series_id, l.season_number, l.episode_number, l.at
            FROM shows s CROSS JOIN LATERAL (
                SELECT e.season_number, e.episode_number,
                    CASE WHEN p.precision = 'unknown' THEN p.created_at ELSE p.listed_at END AS at
                FROM plays p JOIN title_refs e ON e.title_id = p.title_id
                WHERE p.user_id = $1 AND p.series_id = s.series_id AND p.removed_at IS NULL AND e.season_number > 0
                ORDER BY p.listed_at DESC, e.season_number DESC, e.episode_number DESC LIMIT 1
            ) l
            WHERE s.series_id IS NOT NULL AND NOT EXISTS (SELECT FROM watchlist_items i
                WHERE i.user_id = $1 AND i.title_id = s.series_id AND i.removed_at IS NULL
                    AND i.status IS NOT NULL AND i.added_at >= l.at)
        ), nexts AS (
            SELECT n.title_id, 'episode' AS kind, l.series_id, NULL::double precision AS percent,
                l.at AS added_at
            FROM lasts l CROSS JOIN LATERAL (
                SELECT e.title_id FROM title_refs e
                WHERE e.series_id = l.series_id AND e.kind = 'episode' AND e.season_number > 0 AND e.released_on <= $2
                    AND (e.season_number, e.episode_number) > (l.season_number, l.episode_number)
                    AND NOT EXISTS (SELECT FROM plays p
                        WHERE p.user_id = $1 AND p.title_id = e.title_id AND p.removed_at IS NULL)
                ORDER BY e.season_number, e.episode_number LIMIT 1
            ) n
            WHERE NOT EXISTS (SELECT FROM halves h WHERE h.series_id = l.series_id AND h.added_at >= l.at)
        )
        SELECT title_id, kind, series_id, percent, added_at FROM halves
        UNION ALL SELECT title_id, kind, series_id, percent, added_at FROM nexts
        ORDER BY added_at DESC, title_id LIMIT $3
        """
    ) { row throws(PGError) in
        GoingOn(
            title: try row.next(), kind: try row.next(), series: try row.next(), percent: try row.next(),
            at: try row.next())
    }
}

/// How often a title was watched, and when last.
package struct WatchedTitle: Sendable, Hashable {
    package let title: TitleID
    package let plays: Int
    package let lastPlayedAt: Timestamp?
}

/// How far a person got with a title, and when.
struct HalfWatched: Sendable, Hashable {
    /// 0 to 100.
    let percent: Double
    let at: Timestamp
}

/// The state of a title for a person.
package struct TitleStanding: Sendable, Hashable {
    package let title: TitleID
    package let plays: Int
    package let lastPlayedAt: Timestamp?
    /// How far it was watched without reaching its end.
    package let percent: Double?
    /// Nil for what is not on the watchlist.
    package let wishStatus: WishStatus?
    package let inCollection: Bool
    package let isLiked: Bool
}

/// Something that a person may continue with.
package struct GoingOn: Sendable, Hashable {
    package let title: TitleID
    package let kind: TitleKind
    package let series: TitleID?
    /// How far it was watched; nil for an episode that comes next.
    package let percent: Double?
    /// When the person got there, or watched the episode before.
    package let at: Timestamp
}
