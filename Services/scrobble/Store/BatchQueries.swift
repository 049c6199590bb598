package import Contracts
import Postgres
import Store

/// The SQL statements for batches and for undoing them.
enum BatchQueries {
    private static let columns = """
        id, source, label, state, counts, undo_id, created_at, applied_at, undone_at, forgotten_at
        """

    static let open = PGCommand(
        "batches.open",
        """
        INSERT INTO batches (user_id, id, source, label, state, undo_id, created_at, applied_at, as_of)
        SELECT $1, $2, $3, $4, b.state, $6, b.moment, CASE WHEN b.state = 'applied' THEN b.moment END, $8
        FROM (SELECT $5::text, $7::timestamptz) AS b (state, moment)
        ON CONFLICT DO NOTHING
        """)

    /// Moves a batch to its next state if it is in one of `$3`. Counts that are NULL stay as they are.
    static let advance = PGStatement(
        "batches.advance",
        """
        UPDATE batches SET
            state = $4, counts = coalesce($6, counts),
            applied_at = CASE WHEN $4 = 'applied' THEN $5 ELSE applied_at END,
            undone_at = CASE WHEN $4 = 'undone' THEN $5 ELSE undone_at END
        WHERE user_id = $1 AND id = $2 AND state = ANY ($3) AND ($4 <> 'undoing' OR forgotten_at IS NULL)
        RETURNING \(columns)
        """, kind: .write, row: batch)

    /// Registers a writer for at most `$3` seconds, unless the batch is being undone. `$4` is 1 for a writer that
    /// begins, 0 for one that continues.
    static let write = PGStatement(
        "batches.write",
        """
        UPDATE batches SET
            writers = CASE WHEN writing_until > clock_timestamp() THEN writers ELSE 1 - $4::int END + $4::int,
            writing_until = greatest(writing_until, clock_timestamp() + $3 * interval '1 second')
        WHERE user_id = $1 AND id = $2 AND state IN ('applying', 'applied') RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let endWrite = PGCommand(
        "batches.endWrite",
        """
        UPDATE batches SET writers = greatest(writers - 1, 0),
            writing_until = CASE WHEN writers > 1 THEN writing_until END
        WHERE user_id = $1 AND id = $2
        """)

    /// Updates `applied_at` after a late write, because queries for what was written since a moment rely on it.
    static let extend = PGCommand(
        "batches.extend",
        "UPDATE batches SET applied_at = $3 WHERE user_id = $1 AND id = $2 AND state = 'applied' AND applied_at < $3")

    /// Whether nobody is writing any more.
    static let isQuiet = PGStatement(
        "batches.isQuiet",
        """
        SELECT coalesce(writing_until <= clock_timestamp(), true) FROM batches WHERE user_id = $1 AND id = $2
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let get = PGStatement(
        "batches.get", "SELECT \(columns) FROM batches WHERE user_id = $1 AND id = $2", row: batch)

    static let page = PGStatement(
        "batches.page",
        """
        SELECT \(columns) FROM batches WHERE user_id = $1 AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4
        """, row: batch)

    static let undoing = PGStatement(
        "batches.undoing", "SELECT user_id, id FROM batches WHERE state = 'undoing' ORDER BY user_id, id LIMIT $1"
    ) { row throws(PGError) in BatchKey(user: try row.next(), batch: try row.next()) }

    /// Marks at most `$3` batches created before `$1` as no longer undoable. A batch that is being undone is left for
    /// later.
    static let forget = PGStatement(
        "batches.forget",
        """
        UPDATE batches SET forgotten_at = $2 WHERE (user_id, id) IN (
            SELECT user_id, id FROM batches
            WHERE created_at < $1 AND forgotten_at IS NULL AND state <> 'undoing'
            ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Deletes at most `$2` changes of the first `$1` forgotten batches.
    static let removeChanges = PGStatement(
        "batches.removeChanges",
        """
        DELETE FROM batch_changes c USING (
            SELECT c.user_id, c.batch_id, c.facet, c.list_id, c.item_id
            FROM (
                SELECT user_id, id FROM batches WHERE forgotten_at IS NOT NULL AND NOT is_swept
                ORDER BY user_id, id LIMIT $1
            ) b JOIN batch_changes c ON c.user_id = b.user_id AND c.batch_id = b.id
            LIMIT $2
        ) old
        WHERE c.user_id = old.user_id AND c.batch_id = old.batch_id AND c.facet = old.facet
            AND c.list_id = old.list_id AND c.item_id = old.item_id
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Marks those of the same batches that have no changes left.
    static let swept = PGStatement(
        "batches.swept",
        """
        UPDATE batches b SET is_swept = true FROM (
            SELECT user_id, id FROM batches WHERE forgotten_at IS NOT NULL AND NOT is_swept
            ORDER BY user_id, id LIMIT $1
        ) old
        WHERE b.user_id = old.user_id AND b.id = old.id
            AND NOT EXISTS (SELECT FROM batch_changes c WHERE c.user_id = old.user_id AND c.batch_id = old.id)
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    // MARK: What a batch touched

    /// The number of plays that a batch created, and the number that it restored.
    static let plays = PGStatement(
        "batches.plays",
        """
        SELECT count(*) FILTER (WHERE before IS NULL), count(*) FILTER (WHERE before IS NOT NULL)
        FROM batch_changes WHERE user_id = $1 AND batch_id = $2 AND facet = 'play'
        """
    ) { row throws(PGError) in (try row.next(Int.self), try row.next(Int.self)) }

    /// The items of one facet after a place that have not been dealt with yet, with their current state.
    static let touched: [LedgerFacet: PGStatement<TouchedItem>] = Dictionary(
        uniqueKeysWithValues: LedgerFacet.allCases.map { ($0, touched($0)) })

    private static func touched(_ facet: LedgerFacet) -> PGStatement<TouchedItem> {
        let table = LedgerTable(facet)
        let (title, others) =
            switch facet {
            case .play:
                (
                    "l.title_id",
                    """
                    (SELECT count(*) FROM play_sources s
                        WHERE s.user_id = $1 AND s.play_id = l.id AND s.batch_id IS DISTINCT FROM $2)
                    """
                )
            case .list:
                (
                    "NULL::uuid",
                    """
                    (SELECT count(*) FROM list_items i
                        WHERE i.user_id = $1 AND i.list_id = l.id AND i.removed_at IS NULL
                            AND i.batch_id IS DISTINCT FROM $2)
                    """
                )
            default: ("c.item_id", "0::bigint")
            }
        return PGStatement(
            "batches.touched.\(facet.rawValue)",
            """
            SELECT c.item_id, nullif(c.list_id, '00000000-0000-0000-0000-000000000000'), \(title),
                c.before IS NOT NULL, (c.before ->> 'batch_id')::uuid, l.user_id IS NOT NULL, l.batch_id, \(others)
            FROM (
                SELECT c.list_id, c.item_id, c.before, coalesce(m.to_id, c.item_id) AS now_id
                FROM batch_changes c LEFT JOIN merged_titles m ON m.from_id = c.item_id
                WHERE c.user_id = $1 AND c.batch_id = $2 AND c.facet = '\(facet.rawValue)'
                    AND (c.list_id, c.item_id) > ($3, $4) AND c.fate IS NULL
                ORDER BY c.list_id, c.item_id LIMIT $5
            ) c LEFT JOIN \(table.name) l ON l.user_id = $1 AND l.\(table.key) = c.now_id\(table.listJoin)
            ORDER BY c.list_id, c.item_id
            """
        ) { row throws(PGError) in
            TouchedItem(
                facet: facet, item: UUIDBits(try row.next(PGUUID.self)), list: try row.next(), title: try row.next(),
                wasThere: try row.next(), batchBefore: try row.next(), isThere: try row.next(),
                batchNow: try row.next(), others: try row.next())
        }
    }

    /// Deletes the rows that the batch created.
    static let erase: [LedgerFacet: PGCommand] = each { table in
        """
        DELETE FROM \(table.name) l USING unnest($3::uuid[], $4::uuid[]) AS c (list_id, item_id)
            LEFT JOIN merged_titles m ON m.from_id = c.item_id
        WHERE l.user_id = $1 AND l.batch_id = $2 AND l.\(table.key) = coalesce(m.to_id, c.item_id)\(table.listJoin)
        """
    }

    /// Restores the rows as they were before the batch.
    static let putBack: [LedgerFacet: PGCommand] = each { table in
        let updates = table.columns.map { "\($0) = before.\($0)" }.joined(separator: ", ")
        return """
            UPDATE \(table.name) l SET \(updates)
            FROM unnest($3::uuid[], $4::uuid[]) AS c (list_id, item_id)
                JOIN batch_changes b ON b.user_id = $1 AND b.batch_id = $2 AND b.facet = '\(table.facet.rawValue)'
                    AND b.list_id = c.list_id AND b.item_id = c.item_id
                CROSS JOIN LATERAL jsonb_populate_record(NULL::\(table.name), b.before) AS before
                LEFT JOIN merged_titles m ON m.from_id = c.item_id
            WHERE l.user_id = $1 AND l.batch_id = $2 AND l.\(table.key) = coalesce(m.to_id, c.item_id)\(table.listJoin)
            """
    }

    /// The plays that a batch moved from one day to another: their current state and the day before the move.
    static let moved = PGStatement(
        "batches.moved",
        """
        SELECT p.id, p.title_id, p.kind, p.listed_at, p.precision, p.percent, (b.before ->> 'watched_on')::date
        FROM batch_changes b JOIN plays p ON p.user_id = b.user_id AND p.id = b.item_id
        WHERE b.user_id = $1 AND b.batch_id = $2 AND b.facet = 'play'
            AND b.list_id = '00000000-0000-0000-0000-000000000000' AND b.item_id = ANY ($3)
            AND p.batch_id = $2 AND p.precision = 'day' AND p.removed_at IS NULL AND b.before ->> 'precision' = 'day'
            AND b.before ->> 'removed_at' IS NULL AND p.watched_on <> (b.before ->> 'watched_on')::date
        """
    ) { row throws(PGError) in
        MovedPlay(
            id: try row.next(),
            was: HeldPlay(
                title: try row.next(), kind: try row.next(), watchedAt: try row.next(), precision: try row.next(),
                percent: try row.next()), moment: .day(try row.next()))
    }

    /// The plays of a batch, other than a sync's, that were reported to another account or may have been.
    static let told = PGStatement(
        "batches.told",
        """
        SELECT p.id FROM unnest($3::uuid[]) AS p (id)
        WHERE NOT EXISTS (SELECT FROM sync_runs r WHERE r.user_id = $1 AND r.id = $2)
            AND (EXISTS (SELECT FROM scrobble_queue q
                    WHERE q.fingerprint = 'play ' || p.id::text AND q.user_id = $1 AND q.sends > 0)
                OR EXISTS (SELECT FROM queue_outcomes o
                    WHERE o.user_id = $1 AND o.outcome = 'done' AND o.action = 'add_play'
                        AND split_part(o.fingerprint, ' ', 2) = p.id::text))
        """, kind: .write
    ) { row throws(PGError) in try row.next(PlayID.self) }

    /// Deletes the source rows by which the batch reported plays.
    static let eraseRoads = PGCommand(
        "batches.eraseRoads",
        "DELETE FROM play_sources WHERE user_id = $1 AND batch_id = $2 AND play_id = ANY ($3)")

    private static func isChange(_ change: String, of play: String, by batch: String) -> String {
        """
        \(change).user_id = $1 AND \(change).batch_id = \(batch) AND \(change).facet = 'play'
            AND \(change).list_id = '00000000-0000-0000-0000-000000000000' AND \(change).item_id = \(play)
        """
    }

    /// Treats plays that another batch has written since as if this batch had never existed: the next writer inherits
    /// the state that this batch found, and its source rows. Other batches only reported the play after this one; their
    /// state before is the current one.
    static let handOver = PGCommand(
        "batches.handOver",
        """
        WITH RECURSIVE writers AS (
            SELECT p.id AS item_id, p.batch_id FROM plays p
            WHERE p.user_id = $1 AND p.id = ANY ($3) AND p.batch_id <> $2
            UNION
            SELECT w.item_id, (c.before ->> 'batch_id')::uuid
            FROM writers w JOIN batch_changes c ON \(isChange("c", of: "w.item_id", by: "w.batch_id"))
            WHERE (c.before ->> 'batch_id')::uuid <> $2
        ), others AS (
            SELECT item_id, batch_id, true AS is_writer FROM writers
            UNION ALL
            SELECT s.play_id, s.batch_id, false FROM play_sources s
            WHERE s.user_id = $1 AND s.play_id = ANY ($3) AND NOT EXISTS (
                SELECT FROM writers w WHERE w.item_id = s.play_id AND w.batch_id = s.batch_id)
        ), found AS (
            SELECT o.item_id, o.batch_id, o.is_writer
            FROM others o JOIN batch_changes c ON \(isChange("c", of: "o.item_id", by: "o.batch_id"))
            WHERE (c.before ->> 'batch_id')::uuid = $2
        ), roads AS (
            UPDATE play_sources s SET batch_id = coalesce(f.batch_id, p.batch_id)
            FROM plays p LEFT JOIN found f ON f.item_id = p.id AND f.is_writer
            WHERE s.user_id = $1 AND s.batch_id = $2 AND s.play_id = ANY ($3)
                AND p.user_id = $1 AND p.id = s.play_id AND p.batch_id IS NOT NULL
                -- What a hand wrote in between stays in any case, and is known by this road when it comes again.
                AND (f.batch_id IS NOT NULL OR NOT EXISTS (
                    SELECT FROM writers w JOIN batch_changes c ON \(isChange("c", of: "w.item_id", by: "w.batch_id"))
                    WHERE w.item_id = p.id AND c.before IS NOT NULL AND c.before ->> 'batch_id' IS NULL))
        )
        UPDATE batch_changes c SET before = CASE WHEN f.is_writer THEN mine.before ELSE to_jsonb(p) END
        FROM found f
            JOIN plays p ON p.user_id = $1 AND p.id = f.item_id
            JOIN batch_changes mine ON \(isChange("mine", of: "f.item_id", by: "$2"))
        WHERE \(isChange("c", of: "f.item_id", by: "f.batch_id"))
        """)

    /// After a batch has restored plays, makes their current state the state before for batches that reported them
    /// later. Each play is looked up by itself: as a join, without statistics, Postgres read every change of the
    /// person's batches.
    static let findAgain = PGCommand(
        "batches.findAgain",
        """
        WITH found AS MATERIALIZED (
            SELECT c.place, to_jsonb(p) AS now FROM plays p
            CROSS JOIN LATERAL (
                SELECT s.batch_id FROM play_sources s
                WHERE s.user_id = $1 AND s.play_id = p.id AND s.batch_id <> $2 OFFSET 0
            ) s
            CROSS JOIN LATERAL (
                SELECT c.ctid AS place FROM batch_changes c
                WHERE \(isChange("c", of: "p.id", by: "s.batch_id")) AND (c.before ->> 'batch_id')::uuid = $2 OFFSET 0
            ) c
            WHERE p.user_id = $1 AND p.id = ANY ($3)
        )
        UPDATE batch_changes c SET before = f.now FROM found f WHERE c.ctid = f.place
        """)

    /// Deletes plays that no source reports any more. Plays that their person wrote or edited stay.
    static let eraseUntold = PGCommand(
        "batches.eraseUntold",
        """
        DELETE FROM plays p WHERE user_id = $1 AND id = ANY ($2) AND batch_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM play_sources s WHERE s.user_id = $1 AND s.play_id = p.id)
        """)

    static let settle = PGCommand(
        "batches.settle",
        """
        UPDATE batch_changes b SET fate = c.fate
        FROM unnest($4::uuid[], $5::uuid[], $6::text[]) AS c (list_id, item_id, fate)
        WHERE b.user_id = $1 AND b.batch_id = $2 AND b.facet = $3 AND b.list_id = c.list_id AND b.item_id = c.item_id
        """)

    static let fates = PGStatement(
        "batches.fates",
        """
        SELECT count(*) FILTER (WHERE fate = 'restored'), count(*) FILTER (WHERE fate = 'kept')
        FROM batch_changes WHERE user_id = $1 AND batch_id = $2
        """
    ) { row throws(PGError) in UndoCounts(restored: try row.next(), kept: try row.next()) }

    /// The items that the undo left unchanged, in no particular order.
    static let kept = PGStatement(
        "batches.kept",
        """
        SELECT b.facet, b.item_id, nullif(b.list_id, '00000000-0000-0000-0000-000000000000'),
            CASE b.facet WHEN 'play' THEN p.title_id WHEN 'list' THEN NULL ELSE b.item_id END
        FROM batch_changes b LEFT JOIN plays p ON b.facet = 'play' AND p.user_id = b.user_id AND p.id = b.item_id
        WHERE b.user_id = $1 AND b.batch_id = $2 AND b.fate = 'kept' LIMIT $3
        """
    ) { row throws(PGError) in
        KeptItem(
            facet: try row.next(), item: UUIDBits(try row.next(PGUUID.self)), list: try row.next(),
            title: try row.next())
    }

    private static func each(_ sql: (LedgerTable) -> String) -> [LedgerFacet: PGCommand] {
        Dictionary(
            uniqueKeysWithValues: LedgerFacet.allCases.map { facet in
                (facet, PGCommand("batches.undo.\(facet.rawValue)", sql(LedgerTable(facet))))
            })
    }

    @Sendable private static func batch(_ row: inout PGRowReader) throws(PGError) -> StoredBatch {
        StoredBatch(
            id: try row.next(), source: try row.next(), label: try row.next(), state: try row.next(),
            counts: try row.nextJSON(), undo: try row.next(), createdAt: try row.next(), appliedAt: try row.next(),
            undoneAt: try row.next(), forgottenAt: try row.next())
    }
}

/// The table of a facet's rows, and the columns that an undo may restore: all but the keys.
struct LedgerTable {
    let facet: LedgerFacet
    let name: String
    let key: String
    let listJoin: String
    let columns: [String]

    init(_ facet: LedgerFacet) {
        let written = ["source", "batch_id", "changed_at", "removed_at"]
        let shelved = ["kind", "added_at"] + written
        self.facet = facet
        listJoin = facet == .listItem ? " AND l.list_id = c.list_id" : ""
        key = facet == .play || facet == .list ? "id" : "title_id"
        (name, columns) =
            switch facet {
            case .play:
                (
                    "plays",
                    ["watched_at", "watched_on", "precision", "percent", "batch_id", "listed_at", "removed_at"]
                )
            case .watchlist: (LedgerShelf.watchlist.table, shelved + WatchlistDetails.columns.map(\.name))
            case .collection: (LedgerShelf.collection.table, shelved + CollectionDetails.columns.map(\.name))
            case .like: (LedgerShelf.likes.table, shelved)
            case .progress: (LedgerShelf.progress.table, shelved + ProgressDetails.columns.map(\.name))
            case .listItem: ("list_items", shelved + ["rank", "note"])
            case .list: ("lists", written + ["name", "description", "is_ranked"])
            }
    }
}

/// A batch and its person.
package struct BatchKey: Sendable, Hashable {
    package let user: UserID
    package let batch: BatchID
}

/// The result of an undo, in items.
package struct UndoCounts: Sendable, Hashable {
    package var restored: Int
    package var kept: Int
}

/// An item that an undo left unchanged.
package struct KeptItem: Sendable, Hashable {
    package let facet: LedgerFacet
    package let item: UUIDBits
    package let list: ListID?
    package let title: TitleID?
}

/// A stored batch.
package struct StoredBatch: Sendable, Hashable {
    package let id: BatchID
    package let source: String
    package let label: String?
    package let state: BatchState
    package let counts: BatchCounts
    package let undo: BatchID
    package let createdAt: Timestamp
    package let appliedAt: Timestamp?
    package let undoneAt: Timestamp?
    /// When the batch became too old to be undone.
    package let forgottenAt: Timestamp?
}
