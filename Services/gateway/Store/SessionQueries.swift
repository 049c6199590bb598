import Contracts
import Postgres
import Store

extension GatewayQueries {
    /// Opens a session for a person with the password `$10`, and no second factor but the one that was turned on at
    /// `$11`, of which a code was taken. Whoever changes either ends sessions, and waits for this one to exist; if the
    /// change came first, the session would be nobody's, which the table refuses. An earlier statement must lock the
    /// person, so that this one sees a factor that was waited for.
    static let openSession = PGCommand(
        "gateway.openSession",
        """
        INSERT INTO sessions (id, user_id, token_hash, refresh_hash, created_at, refreshed_at, authenticated_at,
            expires_at, refresh_expires_at, device, address)
        VALUES ($1, (
            SELECT id FROM users
            WHERE id = $2 AND password_hash = $10 AND NOT EXISTS (
                SELECT FROM second_factors f WHERE f.user_id = users.id AND f.confirmed_at IS DISTINCT FROM $11
                    AND f.confirmed_at IS NOT NULL)
            FOR NO KEY UPDATE
        ), $3, $4, $5, $5, $5, $6, $7,
            $8, $9)
        """)

    /// Ends the person's session that had the refresh token `$2`, of the line `$3`, since its client has begun another
    /// one; both are null if it had none. Of the others, ends those that were unused the longest, beyond `$4`: at most
    /// one, unless more were allowed before.
    static let endEarlierSessions = PGStatement(
        "gateway.endEarlierSessions",
        """
        WITH replaced AS (
            DELETE FROM sessions
            WHERE user_id = $1 AND (refresh_hash = $2 OR previous_refresh_hash = $2 OR refresh_line = $3)
            RETURNING id
        ), surplus AS (
            DELETE FROM sessions WHERE id IN (
                SELECT id FROM sessions WHERE user_id = $1 AND id NOT IN (SELECT id FROM replaced)
                ORDER BY greatest(last_used_at, refreshed_at) DESC, id DESC OFFSET $4)
            RETURNING id
        )
        SELECT id FROM replaced UNION ALL SELECT id FROM surplus
        """, kind: .write
    ) { row throws(PGError) in try row.next(SessionID.self) }

    static let knowNetwork = PGCommand(
        "gateway.knowNetwork",
        """
        INSERT INTO known_networks (user_id, network_hash, seen_at) VALUES ($1, $2, $3)
        ON CONFLICT (user_id, network_hash) DO UPDATE SET seen_at = excluded.seen_at
        """)

    static let knownNetworks = PGStatement(
        "gateway.knownNetworks", "SELECT network_hash FROM known_networks WHERE user_id = $1"
    ) { row throws(PGError) in try row.next([UInt8].self) }

    /// Forgets those of a person's networks, beyond a number, whose latest login is the longest ago.
    static let forgetSurplusNetworks = PGCommand(
        "gateway.forgetSurplusNetworks",
        """
        DELETE FROM known_networks WHERE user_id = $1 AND network_hash IN (
            SELECT network_hash FROM known_networks WHERE user_id = $1 ORDER BY seen_at DESC, network_hash OFFSET $2)
        """)

    /// Whom a session's token belongs to: nobody if a given password was not changed in time. `$3` says whether
    /// everybody must have a second factor.
    static let sessionCaller = PGStatement(
        "gateway.sessionCaller",
        """
        SELECT s.user_id, u.role = 'admin', u.time_zone, s.id, \(givenUntil) IS NOT NULL,
            $3 AND NOT \(hasSecondFactor("u"))
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.expires_at > $2 AND (\(givenUntil) > $2) IS NOT FALSE
        """
    ) { row throws(PGError) in
        EdgeCaller(
            user: try row.next(), isAdministrator: try row.next(), timeZone: try row.next(),
            credential: try row.next(SessionID.self).uuid, hasGivenPassword: try row.next(),
            lacksSecondFactor: try row.next())
    }

    /// Digests of valid tokens issued after a moment; of sessions and of keys the most recently used ones first.
    static let goodTokens = PGStatement(
        "gateway.goodTokens",
        """
        (SELECT token_hash FROM sessions WHERE refreshed_at > $2 AND expires_at > $1
            ORDER BY greatest(last_used_at, refreshed_at) DESC LIMIT $3)
        UNION ALL
        (SELECT secret_hash FROM api_keys WHERE created_at > $2 AND (expires_at IS NULL OR expires_at > $1)
            ORDER BY greatest(last_used_at, created_at) DESC LIMIT $3)
        """, kind: .solo
    ) { row throws(PGError) in try row.next([UInt8].self) }

    /// Those sessions and keys that are valid; if `$3` requires a second factor, only of people who have one.
    static let alive = PGStatement(
        "gateway.alive",
        """
        SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = ANY ($1) AND s.refresh_expires_at > $2 AND NOT ($3 AND NOT \(hasSecondFactor("u")))
        UNION ALL
        SELECT k.id FROM api_keys k JOIN users u ON u.id = k.user_id
        WHERE k.id = ANY ($1) AND (k.expires_at IS NULL OR k.expires_at > $2) AND NOT ($3 AND NOT \(hasSecondFactor("u")))
        """
    ) { row throws(PGError) in
        let id: PGUUID = try row.next()
        return UUIDBits(high: id.high, low: id.low)
    }

    /// Gives a session its next tokens. A refresh token is valid while it is the last one. Within the grace of a lost
    /// answer, the one before is answered by `renewedSession`, or here if the current tokens are not derived from it.
    static let refreshSession = PGStatement(
        "gateway.refreshSession",
        """
        WITH renewed AS (
            UPDATE sessions SET token_hash = $3, refresh_hash = $4, previous_refresh_hash = refresh_hash,
                refreshed_at = $2, expires_at = least($5, created_at + $7 * interval '1 second'),
                refresh_expires_at = least($6, created_at + $7 * interval '1 second'), renewed_from = $1,
                renewal_salt = $9, refresh_line = $10
            WHERE (refresh_hash = $1
                    OR previous_refresh_hash = $1 AND refreshed_at > $8 AND renewed_from IS DISTINCT FROM $1)
                AND refresh_expires_at > $2
                AND NOT EXISTS (SELECT FROM users WHERE id = user_id AND \(givenUntil) <= $2)
            RETURNING id, user_id, expires_at, refresh_expires_at, renewal_salt, refresh_hash
        )
        SELECT \(renewedColumns) FROM renewed r JOIN users u ON u.id = r.user_id
        """, kind: .write, row: renewed)

    /// The session whose tokens are derived from a refresh token that was presented already, a moment ago.
    static let renewedSession = PGStatement(
        "gateway.renewedSession",
        """
        SELECT \(renewedColumns) FROM sessions r JOIN users u ON u.id = r.user_id
        WHERE r.previous_refresh_hash = $1 AND r.renewed_from = $1 AND r.refreshed_at > $3 AND r.refresh_expires_at > $2
            AND (\(givenUntil) > $2) IS NOT FALSE
        """, row: renewed)

    /// Ends the session that had the refresh token `$1`, of the line `$3`, if that is neither its last one any more nor
    /// the one before within the grace: it was stolen, by one side or the other. Whoever knows how a session's tokens
    /// begin has had one of them, so a token that was never issued ends it too.
    static let endStolenSession = PGStatement(
        "gateway.endStolenSession",
        """
        DELETE FROM sessions
        WHERE (refresh_line = $3 OR previous_refresh_hash = $1) AND refresh_hash <> $1
            AND (previous_refresh_hash IS DISTINCT FROM $1 OR refreshed_at <= $2)
        RETURNING id, user_id
        """, kind: .write
    ) { row throws(PGError) in StolenSession(id: try row.next(), user: try row.next()) }

    private static let renewedColumns = """
        u.id, u.username, u.role, u.time_zone, u.settings, u.created_at, \(givenUntil), \(hasSecondFactor("u")), r.id,
        r.expires_at, r.refresh_expires_at, r.renewal_salt, r.refresh_hash
        """

    @Sendable private static func renewed(_ row: inout PGRowReader) throws(PGError) -> RenewedSession {
        let user = try readUser(&row)
        return RenewedSession(
            user: user, id: try row.next(), expiresAt: try row.next(), refreshExpiresAt: try row.next(),
            salt: try row.next(), refreshHash: try row.next())
    }

    static let sessions = PGStatement(
        "gateway.sessions",
        """
        SELECT id, device, address, created_at, last_used_at, refresh_expires_at,
            authenticated_at + $4 * interval '1 second'
        FROM sessions WHERE user_id = $1 AND refresh_expires_at > $2
        ORDER BY created_at DESC, id DESC LIMIT $3
        """
    ) { row throws(PGError) in
        Session(
            id: try row.next(), device: try row.next(), address: try row.next(), createdAt: try row.next(),
            lastUsedAt: try row.next(), expiresAt: try row.next(), freshUntil: try row.next(),
            isCurrent: false)
    }

    /// Whether a session of the person `$1` logged in after a moment, for what requires a recent login.
    static func isFresh(_ session: String, since moment: String) -> String {
        "EXISTS (SELECT FROM sessions WHERE user_id = $1 AND id = \(session) AND authenticated_at > \(moment))"
    }

    static let endSession = PGStatement(
        "gateway.endSession", "DELETE FROM sessions WHERE user_id = $1 AND id = $2 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// The same for the requesting session `$3`, which may end itself, and others if it logged in after `$4`.
    static let endProvenSession = PGStatement(
        "gateway.endProvenSession",
        """
        WITH proof AS (
            SELECT $2::uuid = $3::uuid OR \(isFresh("$3", since: "$4")) AS holds
        ), ended AS (
            DELETE FROM sessions WHERE user_id = $1 AND id = $2 AND (SELECT holds FROM proof) RETURNING id
        )
        SELECT holds, EXISTS (SELECT FROM ended) FROM proof
        """, kind: .write
    ) { row throws(PGError) in
        let (isProven, wasThere) = (try row.next(Bool.self), try row.next(Bool.self))
        return isProven ? (wasThere ? SessionEnding.ended : .absent) : .unproven
    }

    /// Ends all sessions but the requesting one, `$2`, if that logged in after `$3`; returns whether it did.
    static let endProvenSessions = PGStatement(
        "gateway.endProvenSessions",
        """
        WITH proof AS (
            SELECT \(isFresh("$2", since: "$3")) AS holds
        ), ended AS (
            DELETE FROM sessions WHERE user_id = $1 AND id <> $2 AND (SELECT holds FROM proof)
        )
        SELECT holds FROM proof
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// No row if the session has ended, or did not log in after `$3`.
    static let isProvenSession = PGStatement(
        "gateway.isProvenSession", "SELECT true WHERE \(isFresh("$2", since: "$3"))"
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let endSessions = PGCommand("gateway.endSessions", "DELETE FROM sessions WHERE user_id = $1")

    static let endOtherSessions = PGCommand(
        "gateway.endOtherSessions", "DELETE FROM sessions WHERE user_id = $1 AND id <> $2")

    /// Rows are locked in one order, and those that another gateway holds are left for the next time.
    static let noteSessionUses = noteUses("sessions")
    static let noteKeyUses = noteUses("api_keys")

    private static func noteUses(_ table: String) -> PGCommand {
        PGCommand(
            "gateway.noteUses.\(table)",
            """
            WITH held AS (
                SELECT t.id, u.moment FROM \(table) t JOIN unnest($1, $2) AS u (id, moment) ON u.id = t.id
                ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
            )
            UPDATE \(table) t SET last_used_at = greatest(t.last_used_at, held.moment) FROM held WHERE t.id = held.id
            """)
    }
}

/// The result of ending a session.
enum SessionEnding: Sendable, Hashable {
    case ended
    /// The person has no such session.
    case absent
    /// It is not the requesting one, which did not log in recently.
    case unproven
}

/// A session that was ended because one of its earlier tokens was presented.
struct StolenSession: Sendable {
    let id: SessionID
    let user: UserID
}

/// A session with new tokens.
struct RenewedSession: Sendable {
    let user: User
    let id: SessionID
    let expiresAt: Timestamp
    let refreshExpiresAt: Timestamp
    /// What its tokens are derived from, together with the refresh token that was presented.
    let salt: [UInt8]
    /// The hash of its refresh token from now on.
    let refreshHash: [UInt8]
}
