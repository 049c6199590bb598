import Postgres

/// The SQL that tells films of one name and year apart when all rows of an export are here: some files name the film's address,
/// diary and reviews do not.
enum NamesakeQueries {
    /// Keys under which there are several films.
    static let find = PGStatement(
        "imports.namesakes",
        """
        SELECT item_key FROM (
            SELECT DISTINCT item_key, row #>> '{title,ids,letterboxd}' FROM import_rows
            WHERE user_id = $1 AND import_id = $2 AND item_key IS NOT NULL
                AND row #>> '{title,ids,letterboxd}' IS NOT NULL
        ) film GROUP BY item_key HAVING count(*) > 1
        """
    ) { row throws(PGError) in try row.next(String.self) }

    /// Rows that name a film get a key of that film's own.
    static let tellApart = PGCommand(
        "imports.tellApart",
        """
        WITH told AS (
            UPDATE import_rows SET item_key = item_key || $4::text || (row #>> '{title,ids,letterboxd}')
            WHERE user_id = $1 AND import_id = $2 AND item_key = ANY ($3)
                AND row #>> '{title,ids,letterboxd}' IS NOT NULL
            RETURNING user_id, import_id, item_key, place, row
        )
        INSERT INTO import_items (user_id, import_id, item_key, query)
        SELECT DISTINCT ON (item_key) user_id, import_id, item_key, row -> 'title' FROM told ORDER BY item_key, place
        """)

    /// The other rows of such a key may mean either; their person says which, unless they have said so before.
    static let leaveOpen = PGCommand(
        "imports.leaveNamesakesOpen",
        """
        UPDATE import_items t SET query = jsonb_set(query, '{ids}', '{}'), match = CASE
            WHEN EXISTS (SELECT FROM match_overrides o WHERE o.user_id = $1 AND o.item_key = t.item_key) THEN 'pending'
            ELSE 'ambiguous' END
        WHERE t.user_id = $1 AND t.import_id = $2 AND t.item_key = ANY ($3)
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
}
