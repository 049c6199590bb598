import Contracts
import Postgres
import Store

/// Every SQL text of the scrobble service.
enum ScrobbleQueries {
    /// Opens a sitting; where one is open for the title it goes on, at the place that the player tells.
    static let open = PGStatement(
        "scrobble.openSession",
        """
        INSERT INTO playback_sessions
            (user_id, id, title_id, kind, state, progress_percent, started_at, updated_at)
        VALUES ($1, $2, $3, $4, 'playing', $5, $6, $6)
        ON CONFLICT (user_id, title_id) WHERE state <> 'stopped' DO UPDATE SET
            state = 'playing', progress_percent = excluded.progress_percent, updated_at = excluded.updated_at
        RETURNING id, title_id, state, progress_percent, started_at, updated_at, play_id
        """, kind: .write, row: session)

    /// Closes an open sitting and, where `$5` names a play, writes the play and the road by which it came.
    static let close = PGStatement(
        "scrobble.closeSession",
        """
        WITH closed AS (
            UPDATE playback_sessions SET state = 'stopped', progress_percent = $3, updated_at = $4, play_id = $5
            WHERE user_id = $1 AND id = $2 AND state <> 'stopped'
            RETURNING user_id, id, title_id, kind, state, progress_percent, started_at, updated_at, play_id
        ), played AS (
            INSERT INTO plays
                (user_id, id, title_id, kind, watched_at, precision, percent, listed_at, created_at)
            SELECT user_id, play_id, title_id, kind, updated_at, 'second', progress_percent, updated_at, updated_at
            FROM closed WHERE play_id IS NOT NULL
            RETURNING user_id, id
        ), sourced AS (
            INSERT INTO play_sources (user_id, play_id, source, source_key, seen_at)
            SELECT c.user_id, c.play_id, 'playback', c.id::text, c.updated_at
            FROM closed c JOIN played p ON p.user_id = c.user_id AND p.id = c.play_id
            RETURNING play_id
        )
        SELECT c.id, c.title_id, c.state, c.progress_percent, c.started_at, c.updated_at, c.play_id, c.kind,
            c.updated_at, NULL::date, 'second', c.progress_percent
        FROM closed c LEFT JOIN sourced s ON s.play_id = c.play_id
        """, kind: .write, row: outcome)

    /// A sitting and the play that it became.
    static let outcomeOf = PGStatement(
        "scrobble.sessionOutcome",
        """
        SELECT s.id, s.title_id, s.state, s.progress_percent, s.started_at, s.updated_at, p.id, s.kind,
            p.watched_at, p.watched_on, coalesce(p.precision, 'second'), p.percent
        FROM playback_sessions s LEFT JOIN plays p ON p.user_id = s.user_id AND p.id = s.play_id
        WHERE s.user_id = $1 AND s.id = $2
        """, row: outcome)

    static let plays = PGStatement(
        "scrobble.listPlays",
        """
        SELECT listed_at, id, title_id, kind, watched_at, watched_on, precision, percent
        FROM plays WHERE user_id = $1 AND (listed_at, id) < ($2, $3)
        ORDER BY listed_at DESC, id DESC LIMIT $4
        """, row: listedPlay)

    static let lockPerson = PGCommand(
        "scrobble.lockPerson", "SELECT pg_advisory_xact_lock(person_lock($1))")

    static let bury = PGCommand(
        "scrobble.bury", "INSERT INTO deleted_users (user_id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")

    /// Every table of a person's rows; `play_sources` goes with the plays.
    static let removePerson = [
        "queue_lanes", "scrobble_queue", "queue_outcomes", "scrobble_connections", "playback_sessions", "plays",
    ].map {
        PGCommand("scrobble.remove.\($0)", "DELETE FROM \($0) WHERE user_id = $1")
    }

    @Sendable private static func session(_ row: inout PGRowReader) throws(PGError) -> PlaybackSession {
        PlaybackSession(
            id: try row.next(), title: try row.next(), state: try row.next(), progressPercent: try row.next(),
            startedAt: try row.next(), updatedAt: try row.next(), play: try row.next())
    }

    @Sendable private static func outcome(_ row: inout PGRowReader) throws(PGError) -> StopOutcome {
        let session = try session(&row)
        let kind: TitleKind = try row.next()
        let watchedAt: Timestamp? = try row.next()
        let watchedOn: CalendarDate? = try row.next()
        let precision: PlayPrecision = try row.next()
        let percent: Double? = try row.next()
        let play = session.play.map {
            Play(
                id: $0, title: session.title, kind: kind, watchedAt: watchedAt, watchedOn: watchedOn,
                precision: precision, percent: percent)
        }
        return StopOutcome(session: session, play: play)
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
struct ListedPlay: Sendable {
    let play: Play
    let place: HistoryCursor
}
