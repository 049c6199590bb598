package import Contracts
import JSON
import Postgres
import Store

/// The SQL statements of import workers. Each write checks the fence that the claim returned.
enum ImportWorkQueries {
    /// Leases the import that has waited longest.
    static let claim = PGStatement(
        "imports.claim",
        """
        UPDATE imports i SET due_at = clock_timestamp() + $1 * interval '1 second', fence = fence + 1
        FROM (
            SELECT user_id, id FROM imports WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 1
            FOR UPDATE SKIP LOCKED
        ) due WHERE i.user_id = due.user_id AND i.id = due.id
        RETURNING i.user_id, i.id, i.fence, i.state, i.source, i.time_zone, i.kinds, i.applies_itself, i.done_key,
            i.judged_key, i.batch_id, i.failures, i.created_at, i.as_of
        """, kind: .write
    ) { row throws(PGError) in
        ImportClaim(
            user: try row.next(), id: try row.next(), fence: try row.next(), state: try row.next(),
            source: try row.next(), timeZone: try row.next(), kinds: try row.nextJSON(),
            appliesItself: try row.next(), doneKey: try row.next(), judgedKey: try row.next(), batch: try row.next(),
            failures: try row.next(), createdAt: try row.next(), asOf: try row.next())
    }

    /// The id of the server's current run, created if it has none yet.
    static let serverRun = PGStatement(
        "imports.serverRun",
        """
        INSERT INTO server_runs AS r (only_one) VALUES (true) ON CONFLICT (only_one) DO UPDATE SET id = r.id RETURNING r.id
        """, kind: .write
    ) { row throws(PGError) in UUIDBits(try row.next(PGUUID.self)) }

    /// Renews the lease; no row if it was lost, or if the server has lost what was not yet flushed to disk.
    static let renew = PGStatement(
        "imports.renew",
        """
        UPDATE imports SET due_at = clock_timestamp() + $4 * interval '1 second', row_count = coalesce($5, row_count)
        WHERE user_id = $1 AND id = $2 AND fence = $3 AND due_at < 'infinity'
            AND EXISTS (SELECT FROM server_runs r WHERE r.id = $6) RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Gives up a step for now.
    static let postpone = PGCommand(
        "imports.postpone",
        """
        UPDATE imports SET failures = failures + 1, due_at = clock_timestamp() + $4 * interval '1 second'
        WHERE user_id = $1 AND id = $2 AND fence = $3
        """)

    static let fail = PGCommand(
        "imports.fail",
        """
        UPDATE imports SET state = 'failed', problem = $4, files = coalesce($5, files), due_at = 'infinity',
            updated_at = clock_timestamp()
        WHERE user_id = $1 AND id = $2 AND fence = $3
        """)

    static let facts = PGStatement(
        "imports.facts",
        """
        SELECT state, source, time_zone, created_at, as_of, batch_id FROM imports
        WHERE user_id = $1 AND id = $2 AND source IS NOT NULL
        """
    ) { row throws(PGError) in
        ImportFacts(
            state: try row.next(), source: try row.next(), timeZone: try row.next(), createdAt: try row.next(),
            asOf: try row.next(), batch: try row.next())
    }

    // MARK: Reading

    static let lastPlace = PGStatement(
        "imports.lastPlace",
        "SELECT coalesce(max(place), -1) FROM import_rows WHERE user_id = $1 AND import_id = $2"
    ) { row throws(PGError) in try row.next(Int.self) }

    /// Rows after `lastPlace` only.
    static let putRows = PGCommand(
        "imports.putRows",
        """
        INSERT INTO import_rows (user_id, import_id, place, item_key, row)
        SELECT $1, $2, place, item_key, row FROM unnest($3::int4[], $4::text[], $5::jsonb[]) AS r (place, item_key, row)
        """)

    /// An item with ids replaces one without.
    static let putItems = PGCommand(
        "imports.putItems",
        """
        INSERT INTO import_items AS t (user_id, import_id, item_key, query)
        SELECT $1, $2, item_key, query FROM unnest($3::text[], $4::jsonb[]) AS n (item_key, query)
        ON CONFLICT (user_id, import_id, item_key) DO UPDATE SET query = excluded.query
            WHERE t.query -> 'ids' = '{}' AND excluded.query -> 'ids' <> '{}'
        """)

    /// Rows that name no title get their verdict at once.
    static let judgeLoose = PGCommand(
        "imports.judgeLoose",
        """
        UPDATE import_rows SET verdict = CASE WHEN row ->> 'kind' = 'shown' THEN 'shown' ELSE 'invalid' END,
            reason = row -> 'problems' ->> 0
        WHERE user_id = $1 AND import_id = $2 AND item_key IS NULL
        """)

    /// The lists that have no titles.
    static let bareLists = PGStatement(
        "imports.bareLists",
        """
        SELECT place, row FROM import_rows
        WHERE user_id = $1 AND import_id = $2 AND item_key IS NULL AND row ->> 'kind' = 'list' AND NOT row ? 'problems'
        ORDER BY place LIMIT $3
        """
    ) { row throws(PGError) in (place: try row.next(Int.self), row: try row.nextJSON(ImportedRow.self)) }

    static let finishReading = PGStatement(
        "imports.finishReading",
        """
        UPDATE imports SET state = $4, source = $5, files = $6, is_partial = $7, row_count = $8,
            title_count = (SELECT count(*) FROM import_items t WHERE t.user_id = $1 AND t.import_id = $2),
            done_count = 0, failures = 0, updated_at = clock_timestamp(),
            as_of = CASE WHEN $10::timestamptz IS NOT NULL THEN least($10, created_at) END,
            due_at = CASE WHEN $4 = 'matching' THEN clock_timestamp() ELSE 'infinity' END
        WHERE user_id = $1 AND id = $2 AND fence = $3 AND EXISTS (SELECT FROM server_runs r WHERE r.id = $9)
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Updates the planner's statistics after many inserts. Otherwise every later statement about them is planned for
    /// an empty table, and scans whole imports for each page, until autovacuum runs.
    static let analyse = PGCommand(
        "imports.analyse",
        "ANALYZE import_rows (user_id, import_id, place, item_key, verdict), import_items (user_id, import_id, item_key, match)",
        kind: .solo)

    static let dropChunks = PGCommand(
        "imports.dropChunks", "DELETE FROM import_chunks WHERE user_id = $1 AND import_id = $2")

    /// Deletes the chunks of a cancelled import.
    static let dropCancelled = PGCommand(
        "imports.dropCancelled",
        """
        DELETE FROM import_chunks c WHERE user_id = $1 AND import_id = $2
            AND EXISTS (SELECT FROM imports i WHERE i.user_id = $1 AND i.id = $2 AND i.state = 'cancelled')
        """)

    // MARK: Matching

    static let pending = PGStatement(
        "imports.pending",
        """
        SELECT t.item_key, t.query, o.title_id, o.item_key IS NOT NULL AND o.title_id IS NULL FROM import_items t
            LEFT JOIN match_overrides o ON o.user_id = t.user_id AND o.item_key = t.item_key AND \(NamesakeQueries.isKept)
        WHERE t.user_id = $1 AND t.import_id = $2 AND t.item_key > $4 AND t.match = 'pending' ORDER BY t.item_key LIMIT $3
        """
    ) { row throws(PGError) in
        PendingItem(
            key: try row.next(), query: try row.nextJSON(), override: try row.next(), isSkipped: try row.next())
    }

    static let pendingItem = PGStatement(
        "imports.pendingItem",
        """
        SELECT t.item_key, t.query, o.title_id, o.item_key IS NOT NULL AND o.title_id IS NULL FROM import_items t
            LEFT JOIN match_overrides o ON o.user_id = t.user_id AND o.item_key = t.item_key AND \(NamesakeQueries.isKept)
        WHERE t.user_id = $1 AND t.import_id = $2 AND t.item_key = $3 AND t.match = 'pending'
        """
    ) { row throws(PGError) in
        PendingItem(
            key: try row.next(), query: try row.nextJSON(), override: try row.next(), isSkipped: try row.next())
    }

    static let matched = PGCommand(
        "imports.matched",
        """
        UPDATE import_items t SET match = m.match, title_id = m.title_id, title_kind = m.title_kind,
            series_id = m.series_id, season_number = m.season_number, episode_number = m.episode_number
        FROM unnest($3::text[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::int4[], $9::int4[])
            AS m (item_key, match, title_id, title_kind, series_id, season_number, episode_number)
        WHERE t.user_id = $1 AND t.import_id = $2 AND t.item_key = m.item_key
        """)

    // MARK: Judging and applying

    /// At most `$4` next rows that name a title, not beyond the title `$5` unless that is empty. Rows in the order of
    /// an index determine where a page ends, whatever the planner's statistics say about a table that was just filled.
    static let rowsAhead = PGStatement(
        "imports.rowsAhead",
        """
        SELECT item_key, place, row, verdict FROM import_rows
        WHERE user_id = $1 AND import_id = $2 AND item_key > $3 AND ($5 = '' OR item_key <= $5)
        ORDER BY item_key, place LIMIT $4
        """, row: itemRow)

    /// The rows of one title after a place.
    static let itemRows = PGStatement(
        "imports.itemRows",
        """
        SELECT item_key, place, row, verdict FROM import_rows
        WHERE user_id = $1 AND import_id = $2 AND item_key = $3 AND place > $4 ORDER BY place
        """, row: itemRow)

    /// The titles after a key, up to another one.
    static let items = PGStatement(
        "imports.items",
        """
        SELECT item_key, query, match, title_id, title_kind, series_id, season_number, episode_number FROM import_items
        WHERE user_id = $1 AND import_id = $2 AND item_key > $3 AND item_key <= $4 ORDER BY item_key
        """, row: item)

    static let item = PGStatement(
        "imports.item",
        """
        SELECT item_key, query, match, title_id, title_kind, series_id, season_number, episode_number
        FROM import_items WHERE user_id = $1 AND import_id = $2 AND item_key = $3
        """, row: item)

    static let judged = PGCommand(
        "imports.judged",
        """
        UPDATE import_rows r SET verdict = v.verdict, reason = v.reason
        FROM unnest($3::int4[], $4::text[], $5::text[]) AS v (place, verdict, reason)
        WHERE r.user_id = $1 AND r.import_id = $2 AND r.place = v.place
            AND (r.verdict IS DISTINCT FROM v.verdict OR r.reason IS DISTINCT FROM v.reason)
        """)

    /// Records the progress of the current state; no row if the lease was lost, or if the server has lost what was not
    /// yet flushed to disk.
    static let advance = PGStatement(
        "imports.advance",
        """
        UPDATE imports SET done_key = coalesce($4, done_key), judged_key = coalesce($5, judged_key),
            done_count = done_count + $6, failures = 0, due_at = clock_timestamp() + $7 * interval '1 second',
            updated_at = clock_timestamp()
        WHERE user_id = $1 AND id = $2 AND fence = $3 AND due_at < 'infinity'
            AND EXISTS (SELECT FROM server_runs r WHERE r.id = $8) RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Enters the next state, from the first title on. If the import rests in it, the counts are final and the spans
    /// are marked as complete.
    static let enter = PGStatement(
        "imports.enter",
        """
        UPDATE imports SET state = $4, done_key = '', judged_key = '', done_count = CASE WHEN $5 THEN done_count ELSE 0 END,
            failures = 0, batch_id = coalesce($6, batch_id), counts = coalesce($7, counts),
            due_at = CASE WHEN $5 THEN 'infinity' ELSE clock_timestamp() END, updated_at = statement_timestamp(),
            spans_at = CASE WHEN $5 THEN statement_timestamp() END
        WHERE user_id = $1 AND id = $2 AND fence = $3 AND due_at < 'infinity'
            AND EXISTS (SELECT FROM server_runs r WHERE r.id = $8) RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let counts = PGStatement(
        "imports.counts",
        """
        SELECT verdict, count(*) FROM import_rows WHERE user_id = $1 AND import_id = $2 AND verdict IS NOT NULL
        GROUP BY verdict
        """
    ) { row throws(PGError) in (verdict: try row.next(ImportVerdict.self), count: try row.next(Int.self)) }

    /// Sets the counts of a resting import. Its spans stay complete if they were.
    static let setCounts = PGCommand(
        "imports.setCounts",
        """
        UPDATE imports SET counts = $3, updated_at = $4,
            spans_at = CASE WHEN spans_at = updated_at THEN $4::timestamptz END
        WHERE user_id = $1 AND id = $2
        """)

    /// Whether an import of a source has been written whose files are newer than those of batch `$2`, which date from
    /// `$4`: by the dates of both if both have one, otherwise by which was created later. A batch that is not stored
    /// yet is the latest.
    static let isOvertaken = PGStatement(
        "imports.isOvertaken",
        """
        SELECT EXISTS (
            SELECT FROM batches o LEFT JOIN batches b ON b.user_id = o.user_id AND b.id = $2
            WHERE o.user_id = $1 AND o.id IS DISTINCT FROM $2 AND o.source = $3 AND o.label = 'import'
                AND o.state IN ('applying', 'applied')
                AND CASE WHEN o.as_of IS NOT NULL AND $4::timestamptz IS NOT NULL THEN o.as_of > $4
                    ELSE o.created_at > b.created_at END
        )
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Which of some titles are on lists from a source, or on lists named by our own id.
    static let listed = PGStatement(
        "imports.listed",
        """
        SELECT CASE WHEN l.id::text = ANY ($3) THEN l.id::text ELSE l.source_key END, i.title_id,
            l.removed_at IS NOT NULL OR i.removed_at IS NOT NULL
        FROM lists l JOIN list_items i ON i.user_id = l.user_id AND i.list_id = l.id
        WHERE l.user_id = $1 AND (l.source = $2 AND l.source_key = ANY ($3) OR l.id::text = ANY ($3))
            AND i.title_id = ANY ($4)
        """
    ) { row throws(PGError) in
        KnownListing(
            key: KnownListing.Key(list: try row.next(), title: try row.next()), isRemoved: try row.next())
    }

    @Sendable private static func itemRow(_ row: inout PGRowReader) throws(PGError) -> ItemRow {
        ItemRow(key: try row.next(), place: try row.next(), row: try row.nextJSON(), verdict: try row.next())
    }

    @Sendable private static func item(_ row: inout PGRowReader) throws(PGError) -> StoredItem {
        let key: String = try row.next()
        let query: TitleQuery = try row.nextJSON()
        let match: ItemMatch = try row.next()
        let (title, kind, series): (TitleID?, TitleKind?, TitleID?) = (
            try row.next(), try row.next(), try row.next()
        )
        let (season, episode): (Int?, Int?) = (try row.next(), try row.next())
        var meant: MeantTitle?
        if let title, let kind {
            meant = MeantTitle(id: title, kind: kind, series: series, season: season, episode: episode)
        }
        return StoredItem(key: key, query: query, match: match, title: meant)
    }
}

/// A title that is on a list, or was removed from it.
struct KnownListing: Sendable {
    struct Key: Sendable, Hashable {
        let list: String
        let title: TitleID
    }

    let key: Key
    let isRemoved: Bool
}

/// An import that a worker has leased.
package struct ImportClaim: Sendable {
    package let user: UserID
    package let id: ImportID
    let fence: Int64
    package let state: ImportState
    let source: ImportSource?
    let timeZone: String
    /// What the person said the files are, by path.
    let kinds: [String: ImportFileKind]
    let appliesItself: Bool
    let doneKey: String
    let judgedKey: String
    let batch: BatchID?
    let failures: Int
    let createdAt: Timestamp
    /// When the files were written, if they say so.
    let asOf: Timestamp?
    /// The run of the server under which the import was claimed; under another one, what was not flushed to disk may be
    /// lost.
    var serverRun: UUIDBits?

    /// Whether an earlier worker stopped in the middle of a step without recording a failure.
    var isResumed: Bool { failures == 0 && !(doneKey.isEmpty && judgedKey.isEmpty) }
}

/// The facts that decide how the rows of an import are judged.
struct ImportFacts: Sendable {
    let state: ImportState
    let source: ImportSource
    let timeZone: String
    let createdAt: Timestamp
    let asOf: Timestamp?
    let batch: BatchID?
}

/// Whether the title that an item means is known.
enum ItemMatch: String, Sendable, Hashable { case pending, known, unknown, ambiguous, skipped }

/// A title that metadata knows.
struct MeantTitle: Sendable, Hashable {
    let id: TitleID
    let kind: TitleKind
    let series: TitleID?
    let season: Int?
    let episode: Int?

    init(id: TitleID, kind: TitleKind, series: TitleID?, season: Int?, episode: Int?) {
        self.id = id
        self.kind = kind
        self.series = series
        self.season = season
        self.episode = episode
    }

    init(_ title: TitleReference) {
        self.init(
            id: title.id, kind: title.kind, series: title.series, season: title.seasonNumber,
            episode: title.episodeNumber)
    }

    init(_ title: Title) {
        self.init(
            id: title.id, kind: title.kind, series: title.series, season: title.seasonNumber,
            episode: title.episodeNumber)
    }

    var place: EpisodePlace? {
        guard let series, let season, let episode else { return nil }
        return EpisodePlace(series: series, season: season, number: episode)
    }
}

struct PendingItem: Sendable {
    let key: String
    let query: TitleQuery
    /// The title that a person chose before.
    let override: TitleID?
    /// Whether a person has chosen to leave its rows out.
    let isSkipped: Bool
}

struct StoredItem: Sendable {
    let key: String
    let query: TitleQuery
    var match: ItemMatch
    var title: MeantTitle?
}

struct ItemRow: Sendable {
    let key: String
    let place: Int
    let row: ImportedRow
    let verdict: ImportVerdict?
}

extension ItemMatch: PGScalar, PGDecodable {}
