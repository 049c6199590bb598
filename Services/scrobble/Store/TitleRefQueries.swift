package import Contracts
import Postgres
import Store

/// The SQL statements for what is known of titles here, and for merged titles.
enum TitleRefQueries {
    static let remember = PGCommand(
        "titleRefs.remember",
        """
        INSERT INTO title_refs
            (title_id, kind, series_id, season_number, episode_number, released_on, runtime_minutes, fetched_at)
        SELECT title_id, kind, series_id, season_number, episode_number, released_on, runtime_minutes, $8
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int4[], $5::int4[], $6::date[], $7::int4[])
            AS t (title_id, kind, series_id, season_number, episode_number, released_on, runtime_minutes)
        ON CONFLICT (title_id) DO UPDATE SET
            kind = excluded.kind, series_id = excluded.series_id, season_number = excluded.season_number,
            episode_number = excluded.episode_number, released_on = excluded.released_on,
            runtime_minutes = excluded.runtime_minutes, fetched_at = excluded.fetched_at
        """)

    /// Once `$2` are stored, deletes the series' other episodes, which metadata no longer lists.
    static let forgetOthers = PGCommand(
        "titleRefs.forgetOthers",
        """
        DELETE FROM title_refs r WHERE r.series_id = $1 AND r.kind = 'episode' AND NOT r.title_id = ANY ($2)
        """)

    static let tookEpisodes = PGCommand(
        "titleRefs.tookEpisodes",
        """
        INSERT INTO series_refs (series_id, episodes_at) VALUES ($1, $2)
        ON CONFLICT (series_id) DO UPDATE SET episodes_at = greatest(series_refs.episodes_at, excluded.episodes_at)
        """)

    static let episodesAt = PGStatement(
        "titleRefs.episodesAt", "SELECT episodes_at FROM series_refs WHERE series_id = $1"
    ) { row throws(PGError) in try row.next(Timestamp.self) }

    /// Series whose episodes were copied before a moment, the longest ago first.
    static let stale = PGStatement(
        "titleRefs.stale",
        "SELECT series_id FROM series_refs WHERE episodes_at < $1 ORDER BY episodes_at LIMIT $2"
    ) { row throws(PGError) in try row.next(TitleID.self) }

    /// Played episodes without a known series, except those that metadata was asked about since `$1`.
    static let homeless = PGStatement(
        "titleRefs.homeless",
        """
        SELECT DISTINCT p.title_id FROM plays p LEFT JOIN title_refs r ON r.title_id = p.title_id
        WHERE p.kind = 'episode' AND p.series_id IS NULL AND (r.fetched_at IS NULL OR r.fetched_at < $1
            OR r.series_id IS NOT NULL)
        LIMIT $2
        """
    ) { row throws(PGError) in try row.next(TitleID.self) }

    /// Sets the series on the plays of some episodes.
    static let bringHome = PGCommand(
        "titleRefs.bringHome",
        """
        WITH homes AS (
            SELECT title_id, series_id FROM title_refs WHERE title_id = ANY ($1) AND series_id IS NOT NULL
        ), wanted AS (
            INSERT INTO series_refs (series_id) SELECT DISTINCT series_id FROM homes ON CONFLICT DO NOTHING
        )
        UPDATE plays p SET series_id = h.series_id FROM homes h
        WHERE p.title_id = h.title_id AND p.kind = 'episode' AND p.series_id IS NULL
        """)

    // MARK: Merged titles

    static let feedPlace = PGStatement(
        "redirects.place", "SELECT place FROM feed_places WHERE feed = $1"
    ) { row throws(PGError) in try row.next(Int.self) }

    static let moveFeed = PGCommand(
        "redirects.moveFeed",
        """
        INSERT INTO feed_places (feed, place) VALUES ($1, $2)
        ON CONFLICT (feed) DO UPDATE SET place = greatest(feed_places.place, excluded.place)
        """)

    /// Avoids chains: what pointed to a title that is now merged points to the one that stays.
    static let straighten = PGCommand(
        "redirects.straighten",
        """
        UPDATE merged_titles m SET to_id = n.to_id FROM unnest($1::uuid[], $2::uuid[]) AS n (from_id, to_id)
        WHERE m.to_id = n.from_id AND m.from_id <> n.to_id
        """)

    static let record = PGCommand(
        "redirects.record",
        """
        INSERT INTO merged_titles (from_id, to_id)
        SELECT n.from_id, coalesce(m.to_id, n.to_id)
        FROM unnest($1::uuid[], $2::uuid[]) AS n (from_id, to_id) LEFT JOIN merged_titles m ON m.from_id = n.to_id
        WHERE n.from_id <> coalesce(m.to_id, n.to_id)
        ON CONFLICT (from_id) DO UPDATE SET to_id = excluded.to_id
        """)

    /// Re-keys what is keyed by person and title. If both titles have a row, the one that was changed last stays.
    static let rekey: [PGCommand] = [
        ("watchlist_items", ""), ("collection_items", ""), ("likes", ""), ("watch_progress", ""),
        ("list_items", " AND n.list_id = o.list_id"),
    ].flatMap { (table: String, join: String) in
        [
            PGCommand(
                "redirects.drop.\(table)",
                """
                WITH met AS (
                    SELECT o.ctid AS old_row, n.ctid AS new_row, o.changed_at > n.changed_at AS is_newer
                    FROM merged_titles m JOIN \(table) o ON o.title_id = m.from_id
                        JOIN \(table) n ON n.user_id = o.user_id AND n.title_id = m.to_id\(join)
                    WHERE m.from_id = ANY ($1)
                )
                DELETE FROM \(table) t USING met
                WHERE t.ctid = CASE WHEN met.is_newer THEN met.new_row ELSE met.old_row END
                """),
            PGCommand(
                "redirects.rekey.\(table)",
                """
                UPDATE \(table) t SET title_id = m.to_id FROM merged_titles m
                WHERE m.from_id = ANY ($1) AND t.title_id = m.from_id
                """),
        ]
    }

    /// Merges a person's open sittings with both titles: the older one ends.
    static let rekeySittings: [PGCommand] = [
        PGCommand(
            "redirects.endSittings",
            """
            UPDATE playback_sessions o SET state = 'stopped'
            FROM merged_titles m JOIN playback_sessions n ON n.title_id = m.to_id AND n.state <> 'stopped'
            WHERE m.from_id = ANY ($1) AND o.title_id = m.from_id AND o.state <> 'stopped' AND o.user_id = n.user_id
            """),
        PGCommand(
            "redirects.rekeySittings",
            """
            UPDATE playback_sessions s SET title_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND s.title_id = m.from_id
            """),
    ]

    /// Moves series to their new ids, and deletes what is known of the titles that are gone.
    static let rekeyRefs: [PGCommand] = [
        PGCommand(
            "redirects.rekeySeries",
            """
            UPDATE plays p SET series_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND p.series_id = m.from_id
            """),
        PGCommand(
            "redirects.wantEpisodes",
            """
            INSERT INTO series_refs (series_id)
            SELECT m.to_id FROM merged_titles m JOIN series_refs s ON s.series_id = m.from_id WHERE m.from_id = ANY ($1)
            ON CONFLICT (series_id) DO UPDATE SET episodes_at = '-infinity'
            """),
        PGCommand("redirects.forgetSeries", "DELETE FROM series_refs WHERE series_id = ANY ($1)"),
        PGCommand("redirects.forgetRefs", "DELETE FROM title_refs WHERE title_id = ANY ($1) OR series_id = ANY ($1)"),
    ]

    /// People who have plays of titles that are gone.
    static let movers = PGStatement(
        "redirects.movers",
        "SELECT DISTINCT user_id FROM plays WHERE title_id = ANY ($1) ORDER BY user_id LIMIT $2"
    ) { row throws(PGError) in try row.next(UserID.self) }

    /// Takes the locks of several ledgers, always in the same order.
    static let lockMany = PGCommand(
        "redirects.lock",
        """
        SELECT pg_advisory_xact_lock(key) FROM (
            SELECT hashtextextended(person::text, 21) AS key FROM unnest($1::uuid[]) AS person ORDER BY 1
        ) AS keys
        """)

    static let rekeyPlays = PGCommand(
        "redirects.rekeyPlays",
        """
        UPDATE plays p SET title_id = m.to_id FROM merged_titles m
        WHERE m.from_id = ANY ($1) AND p.title_id = m.from_id AND p.user_id = ANY ($2)
        """)

    /// The plays that several people have of the titles that stay.
    static let known = PGStatement(
        "redirects.known",
        """
        SELECT p.user_id, p.id, p.title_id, p.precision, p.watched_at,
            coalesce(p.watched_on, (p.watched_at AT TIME ZONE 'UTC')::date), p.runtime_minutes,
            p.removed_at IS NOT NULL, p.created_at, s.names, s.keys, s.dated, p.batch_id IS NOT NULL
        FROM plays p CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(source), '{}') AS names, coalesce(array_agg(source_key), '{}') AS keys,
                coalesce(array_agg(is_dated), '{}') AS dated
            FROM play_sources s WHERE s.user_id = p.user_id AND s.play_id = p.id
        ) s
        WHERE p.user_id = ANY ($2) AND p.title_id IN (SELECT to_id FROM merged_titles WHERE from_id = ANY ($1))
        """
    ) { row throws(PGError) in
        PlayOfSomebody(user: try row.next(), play: try LedgerQueries.knownPlay(&row))
    }
}

/// A play and its person.
struct PlayOfSomebody: Sendable {
    let user: UserID
    let play: KnownPlay
}

/// What metadata says about a title, as far as the rules about plays need it.
package struct TitleRef: Sendable, Hashable {
    package let title: TitleID
    package let kind: TitleKind
    package let series: TitleID?
    package let season: Int?
    package let number: Int?
    package let releasedOn: CalendarDate?
    package let runtimeMinutes: Int?

    package init(_ title: Title) {
        self.title = title.id
        kind = title.kind
        series = title.series
        season = title.seasonNumber.map { Int($0) }
        number = title.episodeNumber.map { Int($0) }
        releasedOn = title.releaseDate
        runtimeMinutes = title.runtimeMinutes.map { Int($0) }
    }

    /// A title that metadata does not know.
    init(unknown title: TitleID) {
        self.title = title
        kind = .episode
        series = nil
        season = nil
        number = nil
        releasedOn = nil
        runtimeMinutes = nil
    }

    package init(
        title: TitleID, kind: TitleKind, series: TitleID?, season: Int?, number: Int?, releasedOn: CalendarDate?
    ) {
        self.title = title
        self.kind = kind
        self.series = series
        self.season = season
        self.number = number
        self.releasedOn = releasedOn
        runtimeMinutes = nil
    }
}
