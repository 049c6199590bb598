import Postgres

/// The SQL that tells films of one name and year apart when all rows of an export are here: some files name the film's address,
/// diary and reviews do not.
enum NamesakeQueries {
    private static let (namesake, entry, row) = (ImportItemKey.namesake, ImportItemKey.entry, ImportItemKey.row)
    /// Whether what was said holds for other files too: of a row by its place only a copy of the version before remembers it.
    static let isKept = "o.item_key !~ '\(row)[0-9]+$'"
    private static let address = "r.row #>> '{title,ids,letterboxd}'"

    /// The key that the film of a row has by its name and year: also of a row that cannot be read, which has none itself. Of such
    /// a row a name that is cut short in its key is not compared.
    private static let film = """
        coalesce(r.item_key, CASE WHEN r.row ->> 'kind' <> 'shown' AND NOT r.row ? 'title_id'
            AND (r.row #> '{title,ids}') - 'letterboxd' = '{}'
            THEN concat_ws(E'\\x1f', r.row #>> '{title,kind}', coalesce(r.row #>> '{title,name}', ''),
                coalesce(r.row #>> '{title,year}', '')) END)
        """

    /// Keys under which there are several films, in this import or by what their person has said of one before.
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

    /// The same of one key, while the import rests.
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

    /// Rows of such a key get one of their own: those that name a film share that film's. The others may mean either, and their
    /// person says which, unless they have said so before: of an entry once, by its address, of what has none row by row. What is
    /// known of the key already is known of each.
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

    /// What a row's key is now.
    static let key = PGStatement(
        "imports.keyOfRow",
        "SELECT item_key FROM import_rows WHERE user_id = $1 AND import_id = $2 AND place = $3 AND item_key IS NOT NULL"
    ) { row throws(PGError) in try row.next(String.self) }
}
