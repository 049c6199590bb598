package import Contracts
import Postgres
import Store

/// Every SQL text of the scrobble service.
enum ScrobbleQueries {
    /// A page of plays; `$6` is a kind or NULL, `$7` whether the date is unknown or NULL, `$8` the title or the series.
    static let plays: [HistoryShape: PGStatement<ListedPlay>] = Dictionary(
        uniqueKeysWithValues: HistoryShape.allCases.map { ($0, plays($0)) })

    private static func plays(_ shape: HistoryShape) -> PGStatement<ListedPlay> {
        let some = " AND ($6::text IS NULL OR kind = $6) AND ($7::boolean IS NULL OR (precision = 'unknown') = $7)"
        let filter =
            switch shape {
            case .all: ""
            case .some: some
            case .title: some + " AND title_id = $8"
            case .series: some + " AND series_id = $8"
            }
        return PGStatement(
            "scrobble.listPlays.\(shape)",
            """
            SELECT listed_at, id, title_id, kind, watched_at, watched_on, precision, percent
            FROM plays
            WHERE user_id = $1 AND removed_at IS NULL AND (listed_at, id) < ($2, $3) AND listed_at >= $5\(filter)
            ORDER BY listed_at DESC, id DESC LIMIT $4
            """, row: listedPlay)
    }

    static let lockPerson = PGCommand(
        "scrobble.lockPerson", "SELECT pg_advisory_xact_lock(person_lock($1))")

    static let bury = PGCommand(
        "scrobble.bury", "INSERT INTO deleted_users (user_id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")

    /// Every table of a person's rows; `play_sources` goes with the plays, `list_items` with the lists. What batches
    /// changed goes last: whoever writes the rows before it adds to it.
    static let removePerson = [
        "queue_lanes", "scrobble_queue", "queue_outcomes", "scrobble_connections", "playback_sessions",
        "playback_settings", "plays", "hooks", "hook_accounts", "hook_deliveries", "hook_fingerprints", "events",
        "watchlist_items", "collection_items", "likes", "watch_progress", "lists",
        "batch_changes", "batches",
    ].map {
        PGCommand("scrobble.remove.\($0)", "DELETE FROM \($0) WHERE user_id = $1")
    }

    @Sendable private static func listedPlay(_ row: inout PGRowReader) throws(PGError) -> ListedPlay {
        let listedAt: Timestamp = try row.next()
        let play = Play(
            id: try row.next(), title: try row.next(), kind: try row.next(), watchedAt: try row.next(),
            watchedOn: try row.next(), precision: try row.next(), percent: try row.next())
        return ListedPlay(play: play, place: HistoryCursor(listedAt: listedAt, id: play.id))
    }
}

/// A play and where it stands in the history.
package struct ListedPlay: Sendable {
    package let play: Play
    package let place: HistoryCursor
}
