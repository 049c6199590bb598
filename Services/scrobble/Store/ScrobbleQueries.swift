package import Contracts
import Postgres
import Store

/// Every SQL text of the scrobble service.
enum ScrobbleQueries {
    static let plays = PGStatement(
        "scrobble.listPlays",
        """
        SELECT listed_at, id, title_id, kind, watched_at, watched_on, precision, percent
        FROM plays WHERE user_id = $1 AND removed_at IS NULL AND (listed_at, id) < ($2, $3)
        ORDER BY listed_at DESC, id DESC LIMIT $4
        """, row: listedPlay)

    static let lockPerson = PGCommand(
        "scrobble.lockPerson", "SELECT pg_advisory_xact_lock(person_lock($1))")

    static let bury = PGCommand(
        "scrobble.bury", "INSERT INTO deleted_users (user_id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")

    /// Every table of a person's rows; `play_sources` goes with the plays.
    static let removePerson = [
        "queue_lanes", "scrobble_queue", "queue_outcomes", "scrobble_connections", "playback_sessions",
        "playback_settings", "plays", "hooks", "hook_accounts", "hook_deliveries", "hook_fingerprints", "events",
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
