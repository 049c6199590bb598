import Contracts
import Postgres
import Store

/// Every SQL text about sittings.
enum PlaybackQueries {
    private static let columns = "id, title_id, state, progress_percent, started_at, updated_at, play_id"

    /// Opens a sitting; where one is open for the title it goes on, at the place that the player tells.
    static let open = PGStatement(
        "scrobble.openSession",
        """
        INSERT INTO playback_sessions
            (user_id, id, title_id, kind, state, progress_percent, started_at, updated_at, expires_at,
             play_threshold_percent)
        SELECT $1, $2, $3, $4, 'playing', $5, $6, $6, $7,
            coalesce((SELECT play_threshold_percent FROM playback_settings WHERE user_id = $1), 80)
        ON CONFLICT (user_id, title_id) WHERE state <> 'stopped' DO UPDATE SET
            state = 'playing', progress_percent = excluded.progress_percent, updated_at = excluded.updated_at,
            expires_at = excluded.expires_at
        RETURNING \(columns)
        """, kind: .write, row: session)

    /// What a player tells of an open sitting; what is null stays as it is.
    static let move = PGStatement(
        "scrobble.moveSession",
        """
        UPDATE playback_sessions SET
            state = coalesce($3, state), progress_percent = coalesce($4, progress_percent),
            updated_at = greatest(updated_at, $5), expires_at = $6
        WHERE user_id = $1 AND id = $2 AND state <> 'stopped'
        RETURNING \(columns), kind
        """, kind: .write
    ) { row throws(PGError) in MovedSitting(session: try session(&row), kind: try row.next()) }

    /// Locks an open sitting and tells what deciding about its end needs.
    static let hold = PGStatement(
        "scrobble.holdSession",
        """
        SELECT title_id, kind, play_threshold_percent FROM playback_sessions
        WHERE user_id = $1 AND id = $2 AND state <> 'stopped' FOR UPDATE
        """, kind: .write
    ) { row throws(PGError) in
        HeldSitting(title: try row.next(), kind: try row.next(), threshold: WatchThreshold(percent: try row.next()))
    }

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

    /// What is open, the latest first.
    static let now = PGStatement(
        "scrobble.nowPlaying",
        """
        SELECT \(columns) FROM playback_sessions WHERE user_id = $1 AND state <> 'stopped' AND expires_at > $2
        ORDER BY updated_at DESC LIMIT $3
        """
    ) { row throws(PGError) in try session(&row) }

    /// Sittings of which nothing was heard for too long, the oldest first.
    static let expired = PGStatement(
        "scrobble.expiredSessions",
        """
        SELECT user_id, id, progress_percent, updated_at FROM playback_sessions
        WHERE state <> 'stopped' AND expires_at <= $1 ORDER BY expires_at LIMIT $2
        """
    ) { row throws(PGError) in
        ExpiredSitting(
            user: try row.next(), session: try row.next(), progressPercent: try row.next(), lastSeenAt: try row.next())
    }

    static let setThreshold = PGCommand(
        "scrobble.setThreshold",
        """
        INSERT INTO playback_settings (user_id, play_threshold_percent) VALUES ($1, $2)
        ON CONFLICT (user_id) DO UPDATE SET play_threshold_percent = excluded.play_threshold_percent
        """)

    static let threshold = PGStatement(
        "scrobble.threshold", "SELECT play_threshold_percent FROM playback_settings WHERE user_id = $1"
    ) { row throws(PGError) in try row.next(Double.self) }

    /// The connections that playback is told to.
    static let connections = PGStatement(
        "scrobble.playbackConnections",
        """
        SELECT provider, scrobble_threshold_percent FROM scrobble_connections
        WHERE user_id = $1 AND enabled AND sync_watch_status ORDER BY provider
        """
    ) { row throws(PGError) in ConnectionPolicy(provider: try row.next(), thresholdPercent: try row.next()) }

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
}

/// A sitting that is about to end.
struct HeldSitting: Sendable {
    let title: TitleID
    let kind: TitleKind
    let threshold: WatchThreshold
}

/// A sitting after a word of its player.
struct MovedSitting: Sendable {
    let session: PlaybackSession
    let kind: TitleKind
}

/// A sitting that ended by itself.
struct ExpiredSitting: Sendable {
    let user: UserID
    let session: PlaybackSessionID
    let progressPercent: Double
    let lastSeenAt: Timestamp
}
