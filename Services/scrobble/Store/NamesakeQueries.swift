import Postgres

/// The SQL that tells apart films of one name and year once all rows of an export are stored: some files contain the
/// film's address, the diary and reviews do not.
enum NamesakeQueries {
    private static let (namesake, entry, row) = (ImportItemKey.namesake, ImportItemKey.entry, ImportItemKey.row)
    /// SQL for whether a decision applies to other files too. Only the previous version remembers one about a row by
    /// its place.
    static let isKept = "o.item_key !~ '\(row)[0-9]+$'"
    private static let address = "r.row #>> '{title,ids,letterboxd}'"

    /// SQL for the key that a row's film has by its name and year, including rows that cannot be read, which have no
    /// key of their own. For those, a name that is truncated in its key is not compared.
    private static let film = """
        coalesce(r.item_key, CASE WHEN r.row ->> 'kind' <> 'shown' AND NOT r.row ? 'title_id'
            AND (r.row #> '{title,ids}') - 'letterboxd' = '{}'
            THEN concat_ws(E'\\x1f', r.row #>> '{title,kind}', coalesce(r.row #>> '{title,name}', ''),
                coalesce(r.row #>> '{title,year}', '')) END)
        """

    /// The keys shared by several films, in this import or according to what the person decided about an earlier one.
    static let find = PGStatement(
        "imports.namesakes",
        """
        SELECT item_key FROM (
            SELECT DISTINCT \(film) AS item_key, \(address) FROM import_rows r
            WHERE r.user_id = $1 AND r.import_id = $2 AND \(address) IS NOT NULL
        ) film WHERE item_key IS NOT NULL GROUP BY item_key HAVING count(*) > 1
        UNION
        SELECT t.item_key FROM import_items t WHERE t.user_id = $1 AND t.import_id = $2 AND t.item_key IN (
            SELECT regexp_replace(o.item_key, '(\(namesake)|\(entry))[0-9A-Za-z]+$', '') FROM match_overrides o
            WHERE o.user_id = $1 AND o.item_key ~ '(\(namesake)|\(entry))[0-9A-Za-z]+$')
        """
    ) { row throws(PGError) in try row.next(String.self) }

    /// Whether several films share one key, while the import rests.
    static let isShared = PGStatement(
        "imports.isShared",
        """
        SELECT EXISTS (SELECT FROM imports i WHERE i.user_id = $1 AND i.id = $2 AND i.source = 'letterboxd') AND (
            EXISTS (SELECT FROM import_items t WHERE t.user_id = $1 AND t.import_id = $2
                AND t.item_key > $3::text || E'\\x1e' AND t.item_key < $3::text || E'\\x1f')
            OR EXISTS (SELECT FROM match_overrides o WHERE o.user_id = $1
                AND o.item_key > $3::text || E'\\x1e' AND o.item_key < $3::text || E'\\x1f')
            OR (SELECT count(DISTINCT \(address)) FROM import_rows r WHERE r.user_id = $1 AND r.import_id = $2
                AND (r.item_key = $3 OR r.item_key IS NULL) AND \(film) = $3) > 1)
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Gives the rows of such a key keys of their own; rows with an address share that film's key. The others may mean
    /// either, and their person decides, unless they have before: once for an entry with an address, row by row without
    /// one. What is already known of the key is kept for each.
    static let tellApart = PGCommand(
        "imports.tellApart",
        """
        WITH told AS (
            UPDATE import_rows r SET item_key = r.item_key || CASE
                WHEN \(address) IS NOT NULL THEN '\(namesake)' || (\(address))
                WHEN r.row ->> 'key' ~ '^[0-9A-Za-z]{1,20}$' THEN '\(entry)' || (r.row ->> 'key')
                ELSE '\(row)' || r.place END
            FROM import_items t
            WHERE r.user_id = $1 AND r.import_id = $2 AND r.item_key = ANY ($3)
                AND t.user_id = r.user_id AND t.import_id = r.import_id AND t.item_key = r.item_key
            RETURNING r.user_id, r.import_id, r.item_key, r.place, r.row, t.match, t.title_id, t.title_kind, t.series_id,
                t.season_number, t.episode_number
        )
        INSERT INTO import_items (user_id, import_id, item_key, query, match, title_id, title_kind, series_id,
            season_number, episode_number)
        SELECT DISTINCT ON (r.item_key) r.user_id, r.import_id, r.item_key, r.row -> 'title',
            CASE WHEN r.match = 'pending' AND \(address) IS NULL AND NOT EXISTS (
                SELECT FROM match_overrides o
                WHERE o.user_id = r.user_id AND o.item_key = r.item_key AND \(isKept))
                THEN 'ambiguous' ELSE r.match END,
            r.title_id, r.title_kind, r.series_id, r.season_number, r.episode_number
        FROM told r ORDER BY r.item_key, r.place
        ON CONFLICT (user_id, import_id, item_key) DO NOTHING
        """)

    static let dropEmpty = PGCommand(
        "imports.dropEmptyNamesakes",
        """
        DELETE FROM import_items t
        WHERE t.user_id = $1 AND t.import_id = $2 AND t.item_key = ANY ($3) AND NOT EXISTS (SELECT FROM import_rows r
            WHERE r.user_id = $1 AND r.import_id = $2 AND r.item_key = t.item_key)
        """)

    static let count = PGCommand(
        "imports.countNamesakes",
        """
        UPDATE imports SET title_count = (
            SELECT count(*) FROM import_items t WHERE t.user_id = $1 AND t.import_id = $2)
        WHERE user_id = $1 AND id = $2
        """)

    /// The current key of a row.
    static let key = PGStatement(
        "imports.keyOfRow",
        "SELECT item_key FROM import_rows WHERE user_id = $1 AND import_id = $2 AND place = $3 AND item_key IS NOT NULL"
    ) { row throws(PGError) in try row.next(String.self) }
}
