import Contracts
import JSON
import Postgres
import Store

/// The SQL statements that read titles.
enum MetadataQueries {
    /// Returns the SQL for a title's ids at other sites, in the form of the contract.
    static func ids(of title: String) -> String {
        """
        coalesce((
            SELECT jsonb_object_agg(x.source, CASE
                WHEN x.source IN ('imdb', 'wikidata', 'letterboxd') THEN to_jsonb(x.value)
                ELSE to_jsonb(x.value::bigint) END)
            FROM (
                SELECT DISTINCT ON (e.source) e.source, e.value FROM external_ids e
                WHERE e.title_id = \(title) AND e.source <> 'local' ORDER BY e.source, e.value
            ) x), '{}')
        """
    }

    static let columns = """
        t.id, t.kind, t.name, t.original_name, t.year, t.release_date, t.end_date, t.parent_id, t.season_number,
        t.episode_number, t.overview, t.runtime_minutes, t.genres, t.certification, t.poster_url, t.backdrop_url,
        \(ids(of: "t.id")),
        t.external_ratings, t.vote_average, t.vote_count, t.enriched_at, t.is_local,
        ARRAY(
            SELECT d.old_id FROM title_redirects d
            WHERE d.new_id = t.id AND d.merged_at > now() - interval '1 day' LIMIT 100)
        """

    private static let reference = """
        t.id, t.kind, t.name, t.year, t.parent_id, t.season_number, t.episode_number, t.is_local
        """

    static let title = PGStatement(
        "metadata.title",
        """
        SELECT \(columns), t.children_at FROM titles t
        WHERE t.id = coalesce((SELECT r.new_id FROM title_redirects r WHERE r.old_id = $1), $1)
        """,
        many: PGManyText(
            """
            SELECT asked.place, \(columns), t.children_at
            FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place)
            LEFT JOIN title_redirects r ON r.old_id = asked.id
            JOIN titles t ON t.id = coalesce(r.new_id, asked.id)
            """)
    ) { row throws(PGError) in
        StoredTitle(title: try title(&row), childrenAt: try row.next())
    }

    static let titles = PGStatement(
        "metadata.titles",
        """
        SELECT asked.id, \(columns)
        FROM unnest($1) AS asked (id)
        LEFT JOIN title_redirects r ON r.old_id = asked.id
        JOIN titles t ON t.id = coalesce(r.new_id, asked.id)
        """
    ) { row throws(PGError) in FoundTitle(asked: try row.next(), title: try title(&row)) }

    /// The same with each title's version, and nothing else for those whose version is known. The version is the
    /// transaction that wrote the row, which is rewritten with everything told of the title. Without OFFSET, all would
    /// be assembled and then discarded.
    static let titlesSince = PGStatement(
        "metadata.titlesSince",
        """
        SELECT \(Database.versionSQL), asked.id, v.version, asked.known IS NOT DISTINCT FROM v.version, told.*
        FROM unnest($1::uuid[], $2::text[]) AS asked (id, known)
        LEFT JOIN title_redirects r ON r.old_id = asked.id
        JOIN titles t ON t.id = coalesce(r.new_id, asked.id)
        CROSS JOIN LATERAL (SELECT t.xmin::text AS version) v
        LEFT JOIN LATERAL (SELECT \(columns) WHERE asked.known IS DISTINCT FROM v.version OFFSET 0) told ON true
        """
    ) { row throws(PGError) in
        let data: String = try row.next()
        let asked: TitleID = try row.next()
        let version: String = try row.next()
        let isKnown: Bool = try row.next()
        return MetadataStore.LookedUp(
            data: data, found: VersionedTitle(asked: asked, version: version, title: isKnown ? nil : try title(&row)))
    }

    /// The title of the first known of some keys.
    static let titleKnownAs = PGStatement(
        "metadata.titleKnownAs",
        """
        SELECT \(columns) FROM titles t
        WHERE t.id = (
            SELECT e.title_id
            FROM external_ids e
            JOIN unnest($1, $2, $3) WITH ORDINALITY AS key (source, kind, value, place)
                ON (e.source, e.kind, e.value) = (key.source, key.kind, key.value)
            ORDER BY key.place LIMIT 1)
        """, row: title)

    /// The season or episode of a series by its numbers; an episode number of −1 means none.
    static let numbered = PGStatement(
        "metadata.titleByNumber",
        """
        SELECT \(columns) FROM titles t
        WHERE t.parent_id = coalesce((SELECT r.new_id FROM title_redirects r WHERE r.old_id = $1), $1)
            AND t.kind = $2 AND t.season_number = $3 AND coalesce(t.episode_number, -1) = $4
        """, row: title)

    /// Looks up the title of each key by the index: a plan made while a table was small would read it whole.
    private static func eachKey(_ kind: String) -> String {
        """
        CROSS JOIN LATERAL (
            SELECT e.title_id FROM external_ids e
            WHERE e.source = key.source AND e.kind = \(kind) AND e.value = key.value OFFSET 0
        ) e
        """
    }

    /// For many queries at once, by their index, the title of the first known of each query's keys.
    static let knownAs = PGStatement(
        "metadata.titlesKnownAs",
        """
        SELECT DISTINCT ON (key.query) key.query, \(reference)
        FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS key (query, source, kind, value, place)
        \(eachKey("key.kind"))
        CROSS JOIN LATERAL (SELECT \(reference) FROM titles t WHERE t.id = e.title_id OFFSET 0) t
        ORDER BY key.query, key.place
        """
    ) { row throws(PGError) in FoundReference(query: try row.next(), title: try reference(&row)) }

    /// For many queries at once, the season or episode of a number in a series that is known by its own id or by one of
    /// its outside ids.
    static let knownByNumber = PGStatement(
        "metadata.titlesByNumber",
        """
        WITH series AS (
            SELECT DISTINCT ON (key.query) key.query, e.title_id
            FROM unnest($1, $2, $3) WITH ORDINALITY AS key (query, source, value, place)
            \(eachKey("'series'"))
            ORDER BY key.query, key.place
        )
        SELECT asked.query, \(reference)
        FROM unnest($4, $5, $6, $7, $8) AS asked (query, series, kind, season, episode)
        LEFT JOIN title_redirects r ON r.old_id = asked.series
        LEFT JOIN series s ON s.query = asked.query
        JOIN titles t ON t.parent_id = coalesce(r.new_id, asked.series, s.title_id) AND t.kind = asked.kind
            AND t.season_number = asked.season AND coalesce(t.episode_number, -1) = asked.episode
        """
    ) { row throws(PGError) in FoundReference(query: try row.next(), title: try reference(&row)) }

    /// For many queries at once, the films and series that have one of the keys of the names, with all their names.
    static let named = PGStatement(
        "metadata.titlesNamed",
        """
        SELECT asked.query, t.runtime_minutes, t.original_name,
            coalesce((
                SELECT array_agg(n.name ORDER BY n.name) FROM (
                    SELECT n.name FROM title_names n WHERE n.title_id = t.id ORDER BY n.name LIMIT 64
                ) n), '{}'), \(reference)
        FROM (
            SELECT DISTINCT key.query, key.kind, k.title_id
            FROM unnest($1, $2, $3) AS key (query, kind, key)
            CROSS JOIN LATERAL (SELECT k.title_id FROM title_keys k WHERE k.key = key.key OFFSET 0) k
        ) asked
        CROSS JOIN LATERAL (
            SELECT t.runtime_minutes, t.original_name, \(reference) FROM titles t
            WHERE t.id = asked.title_id AND t.kind = asked.kind OFFSET 0
        ) t
        ORDER BY asked.query, t.id
        LIMIT 20000
        """
    ) { row throws(PGError) in
        NamedReference(
            query: try row.next(), runtimeMinutes: try row.next(), originalName: try row.next(), names: try row.next(),
            title: try reference(&row))
    }

    /// Films and series whose names have all the words, or one of the keys: those with a key first, then those with
    /// most votes.
    static let searched = PGStatement(
        "metadata.searchTitles",
        """
        WITH named AS MATERIALIZED (SELECT k.title_id FROM title_keys k WHERE k.key = ANY ($2))
        SELECT coalesce((
                SELECT array_agg(n.name ORDER BY n.name) FROM (
                    SELECT n.name FROM title_names n WHERE n.title_id = t.id ORDER BY n.name LIMIT 64
                ) n), '{}'), \(columns)
        FROM titles t
        WHERE t.id IN (
                SELECT n.title_id FROM title_names n WHERE to_tsvector('simple', n.words) @@ to_tsquery('simple', $1)
                UNION SELECT k.title_id FROM named k)
            AND ($3::text IS NULL OR t.kind = $3)
        ORDER BY t.id IN (SELECT k.title_id FROM named k) DESC, t.vote_count DESC NULLS LAST, t.id
        LIMIT $4
        """
    ) { row throws(PGError) in NamedTitle(names: try row.next(), title: try title(&row)) }

    static let children = PGStatement(
        "metadata.children",
        """
        SELECT \(columns) FROM titles t
        WHERE t.parent_id = $1 AND t.kind = $2 AND ($3::bigint IS NULL OR t.season_number = $3)
            AND coalesce(t.episode_number, t.season_number) > $4
        ORDER BY t.season_number, t.episode_number
        LIMIT $5
        """, row: title)

    static let history = PGStatement(
        "metadata.ratingHistory",
        """
        SELECT h.number, h.source, h.at, h.value, h.score, h.votes, h.via FROM rating_history h
        WHERE h.title_id = $1 AND ($2::text IS NULL OR h.source = $2) AND h.number < $3
        ORDER BY h.number DESC LIMIT $4
        """
    ) { row throws(PGError) in
        let number: Int = try row.next()
        return NumberedChange(
            number: number,
            change: ScoreChange(
                source: try row.next(), at: try row.next(), value: try row.next(), score: try row.next(),
                votes: try row.next(), via: try row.next()))
    }

    static let redirects = PGStatement(
        "metadata.redirects",
        """
        SELECT r.number, r.old_id, r.new_id, r.merged_at FROM title_redirects r
        WHERE r.number > $1 ORDER BY r.number LIMIT $2
        """
    ) { row throws(PGError) in
        TitleRedirect(number: try row.next(), old: try row.next(), new: try row.next(), mergedAt: try row.next())
    }

    @Sendable static func title(_ row: inout PGRowReader) throws(PGError) -> Title {
        Title(
            id: try row.next(), kind: try row.next(), name: try row.next(), originalName: try row.next(),
            year: try row.next(), releaseDate: try row.next(), endDate: try row.next(), series: try row.next(),
            seasonNumber: try row.next(), episodeNumber: try row.next(), overview: try row.next(),
            runtimeMinutes: try row.next(), genres: try row.next(), certification: try row.next(),
            posterUrl: try row.next(), backdropUrl: try row.next(), externalIds: try row.nextJSON(),
            externalRatings: try row.nextJSON(), voteAverage: try row.next(), voteCount: try row.next(),
            enrichedAt: try row.next(), isLocal: try row.next(), mergedIds: try mergedIDs(&row))
    }

    private static func mergedIDs(_ row: inout PGRowReader) throws(PGError) -> [TitleID]? {
        let ids: [TitleID] = try row.next()
        return ids.isEmpty ? nil : ids
    }

    private static func reference(_ row: inout PGRowReader) throws(PGError) -> TitleReference {
        TitleReference(
            id: try row.next(), kind: try row.next(), name: try row.next(), year: try row.next(),
            series: try row.next(), seasonNumber: try row.next(), episodeNumber: try row.next(),
            isLocal: try row.next())
    }
}

/// A title, and when its seasons or episodes were last listed.
struct StoredTitle: Sendable {
    let title: Title
    let childrenAt: Timestamp?
}

/// The answer to one of many queries.
struct FoundReference: Sendable {
    /// The index of the query, from 0.
    let query: Int
    let title: TitleReference
}

/// A title that one of many queries may mean.
struct NamedReference: Sendable {
    let query: Int
    let runtimeMinutes: Int?
    let originalName: String?
    let names: [String]
    let title: TitleReference
}

/// A title with all its names.
struct NamedTitle: Sendable {
    let names: [String]
    let title: Title
}

/// A change with its number in the history.
struct NumberedChange: Sendable {
    let number: Int
    let change: ScoreChange
}

extension RatingSource: PGScalar, PGDecodable {}
extension Provider: PGScalar, PGDecodable {}
