import Contracts
package import Postgres
import Store

/// The shelves of a person.
package enum LedgerShelf: String, Sendable, Hashable, CaseIterable {
    case watchlist
    case collection
    case likes
    case progress

    var table: String {
        switch self {
        case .watchlist: "watchlist_items"
        case .collection: "collection_items"
        case .likes: "likes"
        case .progress: "watch_progress"
        }
    }
}

/// Details that have a shelf of their own in Postgres.
package protocol ShelvedDetails: ShelfDetails {
    static var shelf: LedgerShelf { get }
    /// The columns of the details and their types.
    static var columns: [(name: String, type: String)] { get }
    static func values(_ details: [Self]) -> [PGValue]
    static func read(_ row: inout PGRowReader) throws(PGError) -> Self
    static var queries: ShelfQueries<Self> { get }
}

/// The SQL statements for one shelf.
package struct ShelfQueries<Details: ShelvedDetails>: Sendable {
    /// The items of some titles, including removed ones.
    let known: PGStatement<KnownItem<Details>>
    /// Writes items over whatever is stored.
    let write: PGCommand
    /// A page of items, newest first; `$4` is a list of kinds, or NULL for all.
    let page: PGStatement<KnownItem<Details>>

    init() {
        let (shelf, table) = (Details.shelf.rawValue, Details.shelf.table)
        let columns = Details.columns.map { $0.name + ", " }.joined()
        known = PGStatement(
            "\(shelf).known",
            """
            SELECT title_id, kind, added_at, \(columns)removed_at, source, batch_id
            FROM \(table) WHERE user_id = $1 AND title_id = ANY ($2)
            """, row: Self.item)
        page = PGStatement(
            "\(shelf).page",
            """
            SELECT title_id, kind, added_at, \(columns)removed_at, source, batch_id
            FROM \(table)
            WHERE user_id = $1 AND removed_at IS NULL AND (added_at, title_id) < ($2, $3)
                AND ($4::text[] IS NULL OR kind = ANY ($4))
            ORDER BY added_at DESC, title_id DESC LIMIT $5
            """, row: Self.item)
        let arrays = Details.columns.enumerated().map { ", $\($0.offset + 8)::\($0.element.type)[]" }.joined()
        let updates = Details.columns.map { "\($0.name) = excluded.\($0.name), " }.joined()
        write = PGCommand(
            "\(shelf).write",
            """
            INSERT INTO \(table) (user_id, title_id, kind, added_at, \(columns)source, batch_id, changed_at)
            SELECT $1, title_id, kind, added_at, \(columns)$5, $6, $7
            FROM unnest($2::uuid[], $3::text[], $4::timestamptz[]\(arrays))
                AS i (\((["title_id", "kind", "added_at"] + Details.columns.map(\.name)).joined(separator: ", ")))
            ON CONFLICT (user_id, title_id) DO UPDATE SET
                kind = excluded.kind, added_at = excluded.added_at, \(updates)source = excluded.source,
                batch_id = excluded.batch_id, changed_at = excluded.changed_at, removed_at = NULL
            """)
    }

    @Sendable fileprivate static func item(_ row: inout PGRowReader) throws(PGError) -> KnownItem<Details> {
        let (title, kind, at): (TitleID, TitleKind, Timestamp) = (try row.next(), try row.next(), try row.next())
        let item = ShelfItem(title: title, kind: kind, at: at, details: try Details.read(&row))
        return KnownItem(
            item: item, removedAt: try row.next(), source: try row.next(), batch: try row.next())
    }
}

/// The statements that are the same for every shelf.
enum ShelvesQueries {
    static let remove: [LedgerShelf: PGCommand] = each { shelf in
        PGCommand(
            "\(shelf.rawValue).remove",
            """
            UPDATE \(shelf.table) SET removed_at = $3, changed_at = $4, source = $5, batch_id = $6
            WHERE user_id = $1 AND title_id = ANY ($2) AND removed_at IS NULL
            """)
    }

    private static func each<Value>(_ make: (LedgerShelf) -> Value) -> [LedgerShelf: Value] {
        Dictionary(uniqueKeysWithValues: LedgerShelf.allCases.map { ($0, make($0)) })
    }
}

extension WatchlistDetails: ShelvedDetails {
    package static let shelf = LedgerShelf.watchlist
    package static let columns = [(name: "note", type: "text"), (name: "status", type: "text")]
    package static let queries = ShelfQueries<WatchlistDetails>()

    package static func values(_ details: [WatchlistDetails]) -> [PGValue] {
        [.textArray(details.map(\.note)), .textArray(details.map { Self.word($0.status) })]
    }

    package static func read(_ row: inout PGRowReader) throws(PGError) -> WatchlistDetails {
        let (note, status): (String?, String?) = (try row.next(), try row.next())
        return WatchlistDetails(note: note, status: status.flatMap(WishStatus.init(rawValue:)) ?? .planToWatch)
    }

    /// The status as stored; nil for what is still wanted.
    static func word(_ status: WishStatus) -> String? { status == .planToWatch ? nil : status.rawValue }

    /// Like `queries.page`, with the status `$6` and, if `$7` is given, only what was written later.
    static let pageOfStatus = PGStatement(
        "watchlist.pageOfStatus",
        """
        SELECT title_id, kind, added_at, note, status, removed_at, source, batch_id FROM watchlist_items i
        WHERE user_id = $1 AND removed_at IS NULL AND (added_at, title_id) < ($2, $3)
            AND ($4::text[] IS NULL OR kind = ANY ($4)) AND status IS NOT DISTINCT FROM $6::text
            -- What a file brought was written when its batch was, however old the file is.
            AND ($7::timestamptz IS NULL OR changed_at > $7 OR EXISTS (
                SELECT FROM batches b WHERE b.user_id = $1 AND b.id = i.batch_id AND b.applied_at > $7))
        ORDER BY added_at DESC, title_id DESC LIMIT $5
        """, row: ShelfQueries<WatchlistDetails>.item)
}

extension CollectionDetails: ShelvedDetails {
    package static let shelf = LedgerShelf.collection
    package static let columns = [
        (name: "media_type", type: "text"), (name: "resolution", type: "text"), (name: "hdr", type: "text"),
        (name: "audio", type: "text"), (name: "audio_channels", type: "text"), (name: "is_3d", type: "boolean"),
    ]
    package static let queries = ShelfQueries<CollectionDetails>()

    package static func values(_ details: [CollectionDetails]) -> [PGValue] {
        [
            .textArray(details.map(\.mediaType)), .textArray(details.map(\.resolution)),
            .textArray(details.map(\.hdr)), .textArray(details.map(\.audio)),
            .textArray(details.map(\.audioChannels)), .boolArray(details.map(\.is3D)),
        ]
    }

    package static func read(_ row: inout PGRowReader) throws(PGError) -> CollectionDetails {
        CollectionDetails(
            mediaType: try row.next(), resolution: try row.next(), hdr: try row.next(), audio: try row.next(),
            audioChannels: try row.next(), is3D: try row.next())
    }
}

extension LikeDetails: ShelvedDetails {
    package static let shelf = LedgerShelf.likes
    package static let columns: [(name: String, type: String)] = []
    package static let queries = ShelfQueries<LikeDetails>()

    package static func values(_ details: [LikeDetails]) -> [PGValue] { [] }
    package static func read(_ row: inout PGRowReader) throws(PGError) -> LikeDetails { LikeDetails() }
}

extension ProgressDetails: ShelvedDetails {
    package static let shelf = LedgerShelf.progress
    package static let columns = [(name: "percent", type: "double precision")]
    package static let queries = ShelfQueries<ProgressDetails>()

    package static func values(_ details: [ProgressDetails]) -> [PGValue] { [.doubleArray(details.map(\.percent))] }

    package static func read(_ row: inout PGRowReader) throws(PGError) -> ProgressDetails {
        ProgressDetails(percent: try row.next())
    }
}
