package import Contracts
import Postgres
import Store

/// The SQL statements for lists and their items.
enum ListQueries {
    private static let columns = """
        l.id, l.name, l.description, l.is_ranked, l.created_at, l.changed_at, l.source,
            (SELECT count(*) FROM list_items i
                WHERE i.user_id = l.user_id AND i.list_id = l.id AND i.removed_at IS NULL)
        """

    /// The lists that a source brought, including removed ones.
    static let bySource = PGStatement(
        "lists.bySource",
        """
        SELECT id, CASE WHEN id::text = ANY ($3) THEN id::text ELSE source_key END, name, description, is_ranked,
            created_at, removed_at
        FROM lists WHERE user_id = $1 AND (source = $2 AND source_key = ANY ($3) OR id::text = ANY ($3))
        """
    ) { row throws(PGError) in
        KnownList(
            id: try row.next(), sourceKey: try row.next(), name: try row.next(), description: try row.next(),
            isRanked: try row.next(), createdAt: try row.next(), removedAt: try row.next())
    }

    static let count = PGStatement(
        "lists.count", "SELECT count(*) FROM lists WHERE user_id = $1 AND removed_at IS NULL"
    ) { row throws(PGError) in try row.next(Int.self) }

    static let write = PGCommand(
        "lists.write",
        """
        INSERT INTO lists
            (user_id, id, name, description, is_ranked, created_at, source, source_key, batch_id, changed_at)
        SELECT $1, id, name, description, is_ranked, created_at, $8, source_key, $9, $10
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[], $7::text[])
            AS l (id, name, description, is_ranked, created_at, source_key)
        ON CONFLICT (user_id, id) DO UPDATE SET
            name = excluded.name, description = excluded.description, is_ranked = excluded.is_ranked,
            batch_id = excluded.batch_id, changed_at = excluded.changed_at, removed_at = NULL
        """)

    /// Changes a list. NULLs change nothing; an empty description removes it.
    static let edit = PGStatement(
        "lists.edit",
        """
        UPDATE lists l SET
            name = coalesce($3, name), description = CASE WHEN $4 = '' THEN NULL ELSE coalesce($4, description) END,
            is_ranked = coalesce($5, is_ranked), batch_id = NULL, changed_at = $6
        WHERE user_id = $1 AND id = $2 AND removed_at IS NULL RETURNING \(columns)
        """, kind: .write, row: list)

    static let remove = PGStatement(
        "lists.remove",
        """
        UPDATE lists SET removed_at = $3, changed_at = $3, batch_id = $4
        WHERE user_id = $1 AND id = ANY ($2) AND removed_at IS NULL RETURNING id
        """, kind: .write
    ) { row throws(PGError) in try row.next(ListID.self) }

    static let get = PGStatement(
        "lists.get",
        "SELECT \(columns) FROM lists l WHERE l.user_id = $1 AND l.id = $2 AND l.removed_at IS NULL", row: list)

    static let page = PGStatement(
        "lists.page",
        """
        SELECT \(columns) FROM lists l
        WHERE l.user_id = $1 AND l.removed_at IS NULL AND (l.created_at, l.id) < ($2, $3)
        ORDER BY l.created_at DESC, l.id DESC LIMIT $4
        """, row: list)

    /// Locks a list until the transaction ends; no row if there is no such list.
    static let hold = PGStatement(
        "lists.hold", "SELECT id FROM lists WHERE user_id = $1 AND id = $2 AND removed_at IS NULL FOR UPDATE",
        kind: .write
    ) { row throws(PGError) in try row.next(ListID.self) }

    // MARK: Items

    static let known = PGStatement(
        "listItems.known",
        """
        SELECT title_id, kind, added_at, note, rank, removed_at, source, batch_id
        FROM list_items WHERE user_id = $1 AND list_id = $2 AND title_id = ANY ($3)
        """, row: item)

    static let size = PGStatement(
        "listItems.size",
        """
        SELECT coalesce(max(rank), 0), count(*) FROM list_items
        WHERE user_id = $1 AND list_id = $2 AND removed_at IS NULL
        """
    ) { row throws(PGError) in ListSize(lastRank: try row.next(), count: try row.next()) }

    static let writeItems = PGCommand(
        "listItems.write",
        """
        INSERT INTO list_items (user_id, list_id, title_id, kind, added_at, note, rank, source, batch_id, changed_at)
        SELECT $1, $2, title_id, kind, added_at, note, rank, $8, $9, $10
        FROM unnest($3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::int4[])
            AS i (title_id, kind, added_at, note, rank)
        ON CONFLICT (user_id, list_id, title_id) DO UPDATE SET
            kind = excluded.kind, added_at = excluded.added_at, note = excluded.note, rank = excluded.rank,
            source = excluded.source, batch_id = excluded.batch_id, changed_at = excluded.changed_at, removed_at = NULL
        """)

    static let removeItems = PGCommand(
        "listItems.remove",
        """
        UPDATE list_items SET removed_at = $4, changed_at = $5, source = $6, batch_id = $7
        WHERE user_id = $1 AND list_id = $2 AND title_id = ANY ($3) AND removed_at IS NULL
        """)

    static let itemPage = PGStatement(
        "listItems.page",
        """
        SELECT title_id, kind, added_at, note, rank, removed_at, source, batch_id
        FROM list_items
        WHERE user_id = $1 AND list_id = $2 AND removed_at IS NULL AND (rank, title_id) > ($3, $4)
        ORDER BY rank, title_id LIMIT $5
        """, row: item)

    static let order = PGStatement(
        "listItems.order",
        """
        SELECT title_id FROM list_items WHERE user_id = $1 AND list_id = $2 AND removed_at IS NULL
        ORDER BY rank, title_id
        """
    ) { row throws(PGError) in try row.next(TitleID.self) }

    /// Numbers the places from 1 in the order of `$3`. Rows that are already in place are not touched.
    static let renumber = PGCommand(
        "listItems.renumber",
        """
        UPDATE list_items i SET rank = o.place, changed_at = $4, batch_id = NULL
        FROM unnest($3::uuid[]) WITH ORDINALITY AS o (title_id, place)
        WHERE i.user_id = $1 AND i.list_id = $2 AND i.title_id = o.title_id AND i.rank <> o.place
        """)

    @Sendable private static func item(_ row: inout PGRowReader) throws(PGError) -> KnownItem<ListItemDetails> {
        let (title, kind, at): (TitleID, TitleKind, Timestamp) = (try row.next(), try row.next(), try row.next())
        let (note, rank): (String?, Int) = (try row.next(), try row.next())
        return KnownItem(
            item: ShelfItem(title: title, kind: kind, at: at, details: ListItemDetails(note: note, rank: rank)),
            removedAt: try row.next(), source: try row.next(), batch: try row.next())
    }

    @Sendable private static func list(_ row: inout PGRowReader) throws(PGError) -> StoredList {
        StoredList(
            id: try row.next(), name: try row.next(), description: try row.next(), isRanked: try row.next(),
            createdAt: try row.next(), changedAt: try row.next(), source: try row.next(), itemCount: try row.next())
    }
}

/// A list that came from elsewhere before.
struct KnownList: Sendable, Hashable {
    let id: ListID
    let sourceKey: String
    let name: String
    let description: String?
    let isRanked: Bool
    let createdAt: Timestamp
    let removedAt: Timestamp?
}

struct ListSize: Sendable {
    let lastRank: Int
    let count: Int
}

/// A stored list.
package struct StoredList: Sendable, Hashable {
    package let id: ListID
    package let name: String
    package let description: String?
    package let isRanked: Bool
    package let createdAt: Timestamp
    package let changedAt: Timestamp
    package let source: String
    package let itemCount: Int
}
