package import Contracts
import JSON
import Postgres
import Store

/// The SQL statements for imports.
enum ImportQueries {
    private static let columns = """
        i.id, i.state, i.source, i.files, i.created_at, i.updated_at, i.row_count, i.title_count, i.done_count,
        i.counts, i.is_partial, i.batch_id, i.problem
        """
    /// The uploaded files, before anything has been read.
    private static let sent = """
        coalesce((SELECT jsonb_agg(jsonb_build_object('name', f.name, 'size_bytes', f.size_bytes, 'row_count', 0)
            ORDER BY f.number) FROM import_files f WHERE f.user_id = i.user_id AND f.import_id = i.id), '[]')
        """

    static let create = PGStatement(
        "imports.create",
        """
        INSERT INTO imports AS i (user_id, id, time_zone, created_at, updated_at)
        SELECT $1, $2, $3, $4, $4
        WHERE (SELECT count(*) FROM imports o WHERE o.user_id = $1
            AND o.state IN ('receiving', 'reading', 'waiting', 'matching', 'judging', 'ready', 'applying')) < $5
        RETURNING \(columns), '[]'::jsonb
        """, kind: .write, row: stored)

    static let get = PGStatement(
        "imports.get", "SELECT \(columns), \(sent) FROM imports i WHERE user_id = $1 AND id = $2", row: stored)

    static let page = PGStatement(
        "imports.page",
        """
        SELECT \(columns), \(sent) FROM imports i WHERE user_id = $1 AND (created_at, id) < ($2, $3)
        ORDER BY created_at DESC, id DESC LIMIT $4
        """, row: stored)

    /// The import that brings in the same files.
    static let active = PGStatement(
        "imports.active",
        """
        SELECT id FROM imports WHERE user_id = $1 AND digest = $2
            AND state IN ('reading', 'waiting', 'matching', 'judging', 'ready', 'applying')
        """
    ) { row throws(PGError) in try row.next(ImportID.self) }

    // MARK: Files

    /// The state of an upload, locked until the transaction ends.
    static let hold = PGStatement(
        "imports.hold",
        """
        SELECT state,
            (SELECT f.size_bytes FROM import_files f WHERE f.user_id = $1 AND f.import_id = $2 AND f.number = $3),
            (SELECT coalesce(sum(f.size_bytes), 0)::bigint FROM import_files f WHERE f.user_id = $1 AND f.import_id = $2),
            (SELECT length(c.bytes) FROM import_chunks c
                WHERE c.user_id = $1 AND c.import_id = $2 AND c.file = $3 AND c.start = $4)
        FROM imports WHERE user_id = $1 AND id = $2 FOR UPDATE
        """
    ) { row throws(PGError) in
        HeldUpload(
            state: try row.next(), fileBytes: try row.next(), totalBytes: try row.next(), knownBytes: try row.next())
    }

    static let putFile = PGCommand(
        "imports.putFile",
        """
        INSERT INTO import_files (user_id, import_id, number, name, size_bytes) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (user_id, import_id, number) DO UPDATE SET size_bytes = excluded.size_bytes
        """)

    static let putChunk = PGCommand(
        "imports.putChunk",
        "INSERT INTO import_chunks (user_id, import_id, file, start, bytes) VALUES ($1, $2, $3, $4, $5)")

    static let files = PGStatement(
        "imports.files",
        "SELECT number, name, size_bytes FROM import_files WHERE user_id = $1 AND import_id = $2 ORDER BY number"
    ) { row throws(PGError) in
        SentFile(number: try row.next(), name: try row.next(), byteCount: try row.next())
    }

    /// The chunks of a file from an offset on.
    static let chunks = PGStatement(
        "imports.chunks",
        """
        SELECT bytes FROM import_chunks WHERE user_id = $1 AND import_id = $2 AND file = $3 AND start >= $4
        ORDER BY start LIMIT $5
        """
    ) { row throws(PGError) in try row.next([UInt8].self) }

    /// Marks an upload as complete, so that its rows may be read.
    static let begin = PGStatement(
        "imports.begin",
        """
        UPDATE imports i SET state = 'reading', digest = $3, applies_itself = $4, due_at = clock_timestamp(),
            updated_at = $5
        WHERE user_id = $1 AND id = $2 AND state = 'receiving' RETURNING \(columns), \(sent)
        """, kind: .write, row: stored)

    // MARK: A person's word

    /// Gives up at most `$2` stale uploads, whose gateway has died.
    static let giveUpUploads = PGStatement(
        "imports.giveUpUploads",
        """
        WITH left_open AS (
            UPDATE imports SET state = 'cancelled', fence = fence + 1, updated_at = $1
            WHERE (user_id, id) IN (
                SELECT user_id, id FROM imports WHERE state = 'receiving' AND created_at < $1 - $3 * interval '1 second'
                ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
            ) RETURNING user_id, id
        ), dropped AS (
            DELETE FROM import_chunks c USING left_open l WHERE c.user_id = l.user_id AND c.import_id = l.id
        )
        SELECT count(*) FROM left_open
        """, kind: .write
    ) { row throws(PGError) in try row.next(Int.self) }

    static let cancel = PGCommand(
        "imports.cancel",
        """
        UPDATE imports SET state = 'cancelled', due_at = 'infinity', fence = fence + 1, updated_at = $3
        WHERE user_id = $1 AND id = $2 AND state IN ('receiving', 'reading', 'waiting', 'matching', 'judging', 'ready')
        """)

    static let apply = PGCommand(
        "imports.apply",
        """
        UPDATE imports SET state = 'applying', batch_id = $3, done_key = '', judged_key = '', done_count = 0,
            due_at = clock_timestamp(), updated_at = $4
        WHERE user_id = $1 AND id = $2 AND state = 'ready'
        """)

    /// Sets what the person said a file is and starts reading again; rows read before are deleted first.
    static let setKind = PGStatement(
        "imports.setKind",
        """
        UPDATE imports i SET kinds = kinds || jsonb_build_object($3::text, $4::text), updated_at = $5
        WHERE user_id = $1 AND id = $2 AND state = 'waiting'
            AND EXISTS (SELECT FROM jsonb_array_elements(files) f WHERE f ->> 'name' = $3 AND f -> 'may_be' ? $4)
        RETURNING (SELECT count(*) FROM jsonb_array_elements(i.files) f
            WHERE f ? 'may_be' AND NOT (i.kinds || jsonb_build_object($3::text, $4::text)) ? (f ->> 'name'))
        """, kind: .write
    ) { row throws(PGError) in try row.next(Int.self) }

    static let forgetRows = PGCommand(
        "imports.forgetRows", "DELETE FROM import_rows WHERE user_id = $1 AND import_id = $2")
    static let forgetItems = PGCommand(
        "imports.forgetItems", "DELETE FROM import_items WHERE user_id = $1 AND import_id = $2")
    static let readAgain = PGCommand(
        "imports.readAgain",
        """
        UPDATE imports SET state = 'reading', due_at = clock_timestamp(), row_count = 0, title_count = 0
        WHERE user_id = $1 AND id = $2 AND state = 'waiting'
        """)

    // MARK: Rows

    static let rows = PGStatement(
        "imports.rows",
        """
        SELECT r.place, r.row, r.verdict, r.reason, t.title_id
        FROM import_rows r LEFT JOIN import_items t
            ON t.user_id = r.user_id AND t.import_id = r.import_id AND t.item_key = r.item_key
        WHERE r.user_id = $1 AND r.import_id = $2 AND r.place > $3 ORDER BY r.place LIMIT $4
        """, row: listed)

    static let rowsByVerdict = PGStatement(
        "imports.rowsByVerdict",
        """
        SELECT r.place, r.row, r.verdict, r.reason, t.title_id
        FROM import_rows r LEFT JOIN import_items t
            ON t.user_id = r.user_id AND t.import_id = r.import_id AND t.item_key = r.item_key
        WHERE r.user_id = $1 AND r.import_id = $2 AND r.place > $3 AND r.verdict = $5 ORDER BY r.place LIMIT $4
        """, row: listed)

    static let row = PGStatement(
        "imports.row",
        """
        SELECT i.state, r.item_key, r.row FROM imports i LEFT JOIN import_rows r
            ON r.user_id = i.user_id AND r.import_id = i.id AND r.place = $3
        WHERE i.user_id = $1 AND i.id = $2
        """
    ) { row throws(PGError) in
        let (state, key): (ImportState, String?) = (try row.next(), try row.next())
        let json: PGJSON? = try row.next()
        return FoundRow(state: state, key: key, row: try json?.decoded())
    }

    static let correctItem = PGCommand(
        "imports.correctItem",
        """
        UPDATE import_items SET match = $4, title_id = $5, title_kind = $6, series_id = $7, season_number = $8,
            episode_number = $9
        WHERE user_id = $1 AND import_id = $2 AND item_key = $3
        """)

    static let correctRow = PGCommand(
        "imports.correctRow",
        """
        UPDATE import_rows SET row = $4, item_key = coalesce($5, item_key)
        WHERE user_id = $1 AND import_id = $2 AND place = $3
        """)

    static let remember = PGCommand(
        "imports.remember",
        """
        INSERT INTO match_overrides (user_id, item_key, title_id, changed_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (user_id, item_key) DO UPDATE SET title_id = excluded.title_id, changed_at = excluded.changed_at
        """)

    static let openItem = PGCommand(
        "imports.openItem",
        """
        UPDATE import_items SET match = 'pending', title_id = NULL, title_kind = NULL, series_id = NULL,
            season_number = NULL, episode_number = NULL
        WHERE user_id = $1 AND import_id = $2 AND item_key = $3
        """)

    static let forgetWord = PGCommand(
        "imports.forgetWord", "DELETE FROM match_overrides WHERE user_id = $1 AND item_key = $2")

    @Sendable private static func stored(_ row: inout PGRowReader) throws(PGError) -> Import {
        let (id, state, source): (ImportID, ImportState, ImportSource?) = (
            try row.next(), try row.next(), try row.next()
        )
        let files: [ImportFile] = try row.nextJSON()
        let (createdAt, updatedAt): (Timestamp, Timestamp) = (try row.next(), try row.next())
        let (rows, titles, done): (Int, Int, Int) = (try row.next(), try row.next(), try row.next())
        let counts: PGJSON? = try row.next()
        let (isPartial, batch, problem): (Bool, BatchID?, String?) = (
            try row.next(), try row.next(), try row.next()
        )
        let sent: [ImportFile] = try row.nextJSON()
        return Import(
            id: id, state: state, source: source, files: files.isEmpty ? sent : files, createdAt: createdAt,
            updatedAt: updatedAt, rowCount: rows, titleCount: titles, doneCount: done, counts: try counts?.decoded(),
            isPartial: isPartial, batch: batch, problem: problem)
    }

    @Sendable static func listed(_ row: inout PGRowReader) throws(PGError) -> ImportRow {
        let place: Int = try row.next()
        let json: PGJSON = try row.next()
        return ImportRow(
            place: place, row: try json.decoded(), verdict: try row.next(), reason: try row.next(),
            title: try row.next())
    }
}

/// The state of an upload that a chunk arrives for.
struct HeldUpload: Sendable {
    let state: ImportState
    /// The size of the file so far; nil if it is new.
    let fileBytes: Int?
    let totalBytes: Int
    /// The size of the chunk at that offset, if it arrived before.
    let knownBytes: Int?
}

/// A file as uploaded.
package struct SentFile: Sendable, Hashable {
    package let number: Int
    package let name: String
    package let byteCount: Int
}

/// A row that a request names.
struct FoundRow: Sendable {
    let state: ImportState
    let key: String?
    /// Nil if the import has no such row.
    let row: ImportedRow?
}

extension ImportID: PGScalar, PGDecodable {}
extension ImportState: PGScalar, PGDecodable {}
extension ImportSource: PGScalar, PGDecodable {}
extension ImportVerdict: PGScalar, PGDecodable {}
