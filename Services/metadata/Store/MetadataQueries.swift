import Contracts
import JSON
import Postgres
import Store

/// Every SQL text of the metadata service.
enum MetadataQueries {
    private static let columns = """
        t.id, t.kind, t.name, t.original_name, t.year, t.release_date, t.overview, t.runtime_minutes, t.genres,
        t.certification, t.poster_url,
        coalesce((
            SELECT jsonb_object_agg(x.source, CASE
                WHEN x.source IN ('imdb', 'wikidata', 'letterboxd') THEN to_jsonb(x.value)
                ELSE to_jsonb(x.value::bigint) END)
            FROM (
                SELECT DISTINCT ON (e.source) e.source, e.value FROM external_ids e
                WHERE e.title_id = t.id AND e.source <> 'local' ORDER BY e.source, e.value
            ) x), '{}'),
        t.external_ratings, t.vote_average, t.vote_count, t.enriched_at, t.is_local
        """

    static let title = PGStatement(
        "metadata.title",
        """
        SELECT \(columns) FROM titles t
        WHERE t.id = coalesce((SELECT r.new_id FROM title_redirects r WHERE r.old_id = $1), $1)
        """, row: title)

    static let titles = PGStatement(
        "metadata.titles",
        """
        SELECT asked.id, \(columns)
        FROM unnest($1) AS asked (id)
        LEFT JOIN title_redirects r ON r.old_id = asked.id
        JOIN titles t ON t.id = coalesce(r.new_id, asked.id)
        """
    ) { row throws(PGError) in FoundTitle(asked: try row.next(), title: try title(&row)) }

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

    /// A title with its ids and what each provider came to, all or nothing: an id that another title has refuses it.
    static let insert = PGCommand(
        "metadata.insertTitle",
        """
        WITH made AS (
            INSERT INTO titles
                (id, kind, name, original_name, year, release_date, overview, runtime_minutes, genres, certification,
                 poster_url, external_ratings, vote_average, vote_count, is_local, enriched_at, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
            RETURNING id, kind
        ), known AS (
            INSERT INTO external_ids (source, kind, value, title_id)
            SELECT key.source, made.kind, key.value, made.id FROM made, unnest($18, $19) AS key (source, value)
        )
        INSERT INTO provider_outcomes (title_id, provider, outcome, asked_at)
        SELECT made.id, asked.provider, asked.outcome, $17 FROM made, unnest($20, $21) AS asked (provider, outcome)
        """)

    /// Gives a title the ids of the places that it has none of; an id that another title has stays there.
    static let link = PGCommand(
        "metadata.linkIDs",
        """
        INSERT INTO external_ids (source, kind, value, title_id)
        SELECT key.source, t.kind, key.value, t.id
        FROM titles t, unnest($2, $3) AS key (source, value)
        WHERE t.id = $1
            AND NOT EXISTS (SELECT FROM external_ids e WHERE e.title_id = t.id AND e.source = key.source)
        ON CONFLICT DO NOTHING
        """)

    @Sendable private static func title(_ row: inout PGRowReader) throws(PGError) -> Title {
        Title(
            id: try row.next(), kind: try row.next(), name: try row.next(), originalName: try row.next(),
            year: try row.next(), releaseDate: try row.next(), overview: try row.next(),
            runtimeMinutes: try row.next(), genres: try row.next(), certification: try row.next(),
            posterUrl: try row.next(),
            externalIds: try row.nextJSON(),
            externalRatings: try row.nextJSON(), voteAverage: try row.next(), voteCount: try row.next(),
            enrichedAt: try row.next(), isLocal: try row.next())
    }
}
