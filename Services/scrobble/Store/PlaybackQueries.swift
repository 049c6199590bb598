import Contracts
import Postgres
import Store

/// The SQL statements for sittings.
enum PlaybackQueries {
    private static let columns = """
        id, title_id, state, progress_percent, started_at, updated_at, play_id,
        CASE WHEN is_check_in AND state = 'playing' THEN expires_at END
        """

    /// SQL for how far the play of a sitting went; if nobody said, the position at which servers count a title as
    /// watched.
    private static let counted = """
        CASE WHEN play_id IS NOT NULL THEN coalesce(
            (SELECT p.percent FROM plays p WHERE p.user_id = s.user_id AND p.id = s.play_id), 90) END
        """

    /// Ends an open sitting that is already a play if the player is before the fraction `$4` of what was counted: what
    /// follows is another sitting. It ends at its last known position and time.
    static let leaveBehind = PGCommand(
        "scrobble.leaveSessionBehind",
        """
        UPDATE playback_sessions s SET state = 'stopped'
        WHERE user_id = $1 AND title_id = $2 AND state <> 'stopped' AND $3 < \(counted) * $4
        """)

    /// Opens a sitting, or continues the one that is open for the title, at the position that the player reports. A
    /// check-in starts over.
    static let open = PGStatement(
        "scrobble.openSession",
        """
        INSERT INTO playback_sessions
            (user_id, id, title_id, kind, state, progress_percent, started_at, updated_at, expires_at,
             play_threshold_percent, player, time_zone, runtime_minutes, is_check_in)
        SELECT $1, $2, $3, $4, 'playing', $5, $6, $6, $7,
            coalesce((SELECT play_threshold_percent FROM playback_settings WHERE user_id = $1), 80), $8, $9, $10, $11
        ON CONFLICT (user_id, title_id) WHERE state <> 'stopped' DO UPDATE SET
            state = 'playing', progress_percent = excluded.progress_percent, updated_at = excluded.updated_at,
            expires_at = excluded.expires_at, player = excluded.player, time_zone = excluded.time_zone,
            is_check_in = excluded.is_check_in,
            started_at = CASE WHEN excluded.is_check_in THEN excluded.started_at ELSE playback_sessions.started_at END,
            runtime_minutes = coalesce(excluded.runtime_minutes, playback_sessions.runtime_minutes)
        RETURNING \(columns)
        """, kind: .write, row: session)

    /// The person's check-ins under way, oldest first.
    static let checkIns = PGStatement(
        "scrobble.checkIns",
        """
        SELECT \(columns) FROM playback_sessions WHERE user_id = $1 AND is_check_in AND state = 'playing'
        ORDER BY id FOR UPDATE
        """, kind: .write, row: session)

    /// The providers that were told of a check-in, by the fingerprint of its job; `$3` is when it began.
    static let checkedInAt = PGStatement(
        "scrobble.checkedInAt",
        """
        SELECT provider FROM queue_outcomes
        WHERE user_id = $1 AND fingerprint = $2 AND outcome = 'done' AND reason = 'delivered'
            AND finished_at >= $3::timestamptz - interval '1 hour'
        """
    ) { row throws(PGError) in try row.next(SyncProvider.self) }

    /// Updates an open sitting with what its player reports. NULLs change nothing. A check-in stops being one; its
    /// position is the one that its elapsed time implies.
    static let move = PGStatement(
        "scrobble.moveSession",
        """
        UPDATE playback_sessions SET
            state = coalesce($3, state),
            progress_percent = coalesce($4, CASE WHEN is_check_in AND expires_at > started_at THEN
                greatest(0, least(100, 100 * extract(epoch FROM $5::timestamptz - started_at)::float8
                    / extract(epoch FROM expires_at - started_at)::float8)) END, progress_percent),
            updated_at = greatest(updated_at, $5), is_check_in = false,
            expires_at = CASE WHEN coalesce($3, state) = 'paused' THEN coalesce($7, $6::timestamptz) ELSE $6 END
        FROM (
            SELECT id AS held, is_check_in AS was_check_in FROM playback_sessions WHERE user_id = $1 AND id = $2 FOR UPDATE
        ) h
        WHERE user_id = $1 AND id = h.held AND state <> 'stopped'
        RETURNING \(columns), kind, h.was_check_in
        """, kind: .write
    ) { row throws(PGError) in
        MovedSitting(session: try session(&row), kind: try row.next(), wasCheckIn: try row.next())
    }

    /// Locks an open sitting and returns what is needed to decide how it ends.
    static let hold = PGStatement(
        "scrobble.holdSession",
        """
        SELECT title_id, kind, play_threshold_percent, play_id, time_zone, runtime_minutes, is_check_in
        FROM playback_sessions
        WHERE user_id = $1 AND id = $2 AND state <> 'stopped' FOR UPDATE
        """, kind: .write
    ) { row throws(PGError) in
        HeldSitting(
            title: try row.next(), kind: try row.next(), threshold: WatchThreshold(percent: try row.next()),
            play: try row.next(), timeZone: try row.next(), runtimeMinutes: try row.next(),
            isCheckIn: try row.next())
    }

    /// Locks the open sitting of a title.
    static let holdTitle = PGStatement(
        "scrobble.holdTitle",
        """
        SELECT id, state, progress_percent, updated_at, \(counted) FROM playback_sessions s
        WHERE user_id = $1 AND title_id = $2 AND state <> 'stopped' FOR UPDATE OF s
        """, kind: .write
    ) { row throws(PGError) in
        (
            id: try row.next(PlaybackSessionID.self),
            sitting: OpenSitting(
                state: try row.next(), progressPercent: try row.next(), updatedAt: try row.next(),
                countedPercent: try row.next())
        )
    }

    /// When the last sitting of a title ended.
    static let lastEnd = PGStatement(
        "scrobble.lastEnd",
        """
        SELECT updated_at FROM playback_sessions WHERE user_id = $1 AND title_id = $2 AND state = 'stopped'
        ORDER BY updated_at DESC LIMIT 1
        """
    ) { row throws(PGError) in try row.next(Timestamp.self) }

    /// A player's open sittings with other titles, oldest first.
    static let leftBehind = PGStatement(
        "scrobble.leftBehind",
        """
        SELECT user_id, id, progress_percent, updated_at, expires_at, is_check_in FROM playback_sessions
        WHERE user_id = $1 AND player = $2 AND state <> 'stopped' AND title_id <> ALL ($3) ORDER BY id
        """, kind: .write, row: expiredSitting)

    /// Ends an open sitting if `$6`; otherwise continues it from the position where it became a play.
    static let close = PGStatement(
        "scrobble.closeSession",
        """
        UPDATE playback_sessions SET
            state = CASE WHEN $6 THEN 'stopped' ELSE state END, progress_percent = $3,
            updated_at = greatest(started_at, $4), play_id = coalesce(play_id, $5), is_check_in = false
        WHERE user_id = $1 AND id = $2 AND state <> 'stopped'
        RETURNING \(columns)
        """, kind: .write, row: session)

    /// Stores how far a person got, unless something later is stored, including that it is over.
    static let keepProgress = PGCommand(
        "scrobble.keepProgress",
        """
        INSERT INTO watch_progress AS w (user_id, title_id, kind, added_at, percent, source, changed_at)
        VALUES ($1, $2, $4, $3, $5, 'playback', $3)
        ON CONFLICT (user_id, title_id) DO UPDATE SET
            added_at = excluded.added_at, percent = excluded.percent, source = excluded.source, batch_id = NULL,
            changed_at = excluded.changed_at, removed_at = NULL
        WHERE w.added_at <= excluded.added_at AND (w.removed_at IS NULL OR w.removed_at <= excluded.added_at)
        """)

    /// Ends the progress of a title that was watched to the end.
    static let endProgress = PGCommand(
        "scrobble.endProgress",
        """
        UPDATE watch_progress SET removed_at = $3, changed_at = $3, batch_id = NULL
        WHERE user_id = $1 AND title_id = $2 AND added_at <= $3 AND removed_at IS NULL
        """)

    /// A sitting and the play that it became.
    static let outcomeOf = PGStatement(
        "scrobble.sessionOutcome",
        """
        SELECT s.id, s.title_id, s.state, s.progress_percent, s.started_at, s.updated_at, p.id,
            CASE WHEN s.is_check_in AND s.state = 'playing' THEN s.expires_at END, s.kind,
            p.watched_at, p.watched_on, coalesce(p.precision, 'second'), p.percent
        FROM playback_sessions s LEFT JOIN plays p ON p.user_id = s.user_id AND p.id = s.play_id
        WHERE s.user_id = $1 AND s.id = $2
        """, row: outcome)

    static let extent = PGStatement(
        "scrobble.sessionExtent",
        "SELECT runtime_minutes, progress_percent FROM playback_sessions WHERE user_id = $1 AND id = $2"
    ) { row throws(PGError) in
        SittingExtent(runtimeMinutes: try row.next(), progressPercent: try row.next())
    }

    /// The open sittings, most recently updated first.
    static let now = PGStatement(
        "scrobble.nowPlaying",
        """
        SELECT \(columns) FROM playback_sessions WHERE user_id = $1 AND state <> 'stopped' AND expires_at > $2
        ORDER BY updated_at DESC LIMIT $3
        """
    ) { row throws(PGError) in try session(&row) }

    /// Sittings that have been silent for too long, after the place `$3`, `$4`; oldest first.
    static let expired = PGStatement(
        "scrobble.expiredSessions",
        """
        SELECT user_id, id, progress_percent, updated_at, expires_at, is_check_in FROM playback_sessions
        WHERE state <> 'stopped' AND expires_at <= $1 AND (expires_at, id) > ($3, $4)
        ORDER BY expires_at, id LIMIT $2
        """, row: expiredSitting)

    /// The latest play of a title up to the moment `$3`, on the day `$4` in the person's time zone. A play known only
    /// to the day may have been at any hour of it.
    static let latestPlay = PGStatement(
        "scrobble.latestPlay",
        """
        SELECT id FROM plays WHERE user_id = $1 AND title_id = $2 AND removed_at IS NULL
            AND CASE WHEN precision = 'day' THEN watched_on <= $4 ELSE listed_at <= $3 END
        ORDER BY listed_at DESC, id DESC LIMIT 1
        """
    ) { row throws(PGError) in try row.next(PlayID.self) }

    /// Sets the threshold; no row if it was not `$3`, where NULL stands for any. `$4` is the default.
    static let setThreshold = PGStatement(
        "scrobble.setThreshold",
        """
        INSERT INTO playback_settings AS s (user_id, play_threshold_percent)
        SELECT $1, $2 WHERE $3::float8 IS NULL OR $3 = $4 OR EXISTS (SELECT FROM playback_settings WHERE user_id = $1)
        ON CONFLICT (user_id) DO UPDATE SET play_threshold_percent = excluded.play_threshold_percent
        WHERE $3 IS NULL OR s.play_threshold_percent = $3
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let threshold = PGStatement(
        "scrobble.threshold", "SELECT play_threshold_percent FROM playback_settings WHERE user_id = $1"
    ) { row throws(PGError) in try row.next(Double.self) }

    /// The connections that are told of playback.
    static let connections = PGStatement(
        "scrobble.playbackConnections",
        """
        SELECT c.provider, c.scrobble_threshold_percent, coalesce(p.deletes, true)
        FROM scrobble_connections c LEFT JOIN sync_policies p
            ON p.user_id = c.user_id AND p.provider = c.provider AND p.facet = 'history'
        WHERE c.user_id = $1 AND c.enabled AND c.sync_watch_status AND c.state <> 'disconnected' ORDER BY c.provider
        """
    ) { row throws(PGError) in
        ConnectionPolicy(
            provider: try row.next(), thresholdPercent: try row.next(), tellsRemovals: try row.next())
    }

    @Sendable private static func session(_ row: inout PGRowReader) throws(PGError) -> PlaybackSession {
        PlaybackSession(
            id: try row.next(), title: try row.next(), state: try row.next(), progressPercent: try row.next(),
            startedAt: try row.next(), updatedAt: try row.next(), play: try row.next(), endsAt: try row.next())
    }

    @Sendable private static func expiredSitting(_ row: inout PGRowReader) throws(PGError) -> ExpiredSitting {
        ExpiredSitting(
            user: try row.next(), session: try row.next(), progressPercent: try row.next(),
            lastSeenAt: try row.next(), expiresAt: try row.next(), isCheckIn: try row.next())
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
    /// The play that it already is.
    let play: PlayID?
    let timeZone: String
    let runtimeMinutes: Int?
    let isCheckIn: Bool
}

/// The length of a sitting's title, if known, and the sitting's position in it.
struct SittingExtent: Sendable {
    let runtimeMinutes: Int?
    /// 0 to 100.
    let progressPercent: Double
}

/// A sitting after its player's report.
struct MovedSitting: Sendable {
    let session: PlaybackSession
    let kind: TitleKind
    /// Whether it was a check-in until this report.
    let wasCheckIn: Bool
}

/// A sitting to be ended because it fell silent.
struct ExpiredSitting: Sendable {
    let user: UserID
    let session: PlaybackSessionID
    let progressPercent: Double
    let lastSeenAt: Timestamp
    let expiresAt: Timestamp
    let isCheckIn: Bool

    /// How it ends: at its last known position and time, or at 100 % for a check-in, which has run its course.
    func end(heardAt: Timestamp) -> PlaybackStore.Stop {
        PlaybackStore.Stop(
            user: user, session: session, progressPercent: isCheckIn ? 100 : progressPercent,
            at: isCheckIn ? expiresAt : lastSeenAt, heardAt: heardAt, isFullCourse: isCheckIn)
    }
}
