package import Contracts
import Postgres
import Store

/// The SQL statements for connected accounts. Leases and flows are timed by the database's clock.
enum ConnectionQueries {
    /// A person's connections, with their policies as arrays.
    static let list = PGStatement(
        "connections.list",
        """
        SELECT c.provider, c.state, c.state_reason, c.enabled, c.scrobble_threshold_percent,
            CASE WHEN c.account_is_known THEN c.account_name END, c.account_is_known, c.connected_at,
            c.token_expires_at, coalesce(l.is_paused, false), nullif(l.held_until, '-infinity'),
            p.facets, p.directions, p.conflicts, p.deletes
        FROM scrobble_connections c
        LEFT JOIN queue_lanes l USING (user_id, provider)
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(facet), '{}') AS facets, coalesce(array_agg(direction), '{}') AS directions,
                coalesce(array_agg(conflicts), '{}') AS conflicts, coalesce(array_agg(deletes::text), '{}') AS deletes
            FROM sync_policies s WHERE s.user_id = c.user_id AND s.provider = c.provider
        ) p
        WHERE c.user_id = $1
        """, row: connection)

    /// Creates or changes a person's settings for a connection. NULLs among `$3` to `$5` change nothing.
    static let change = PGCommand(
        "connections.change",
        """
        INSERT INTO scrobble_connections AS c
            (user_id, provider, state, enabled, scrobble_threshold_percent, sync_ratings, sync_watch_status, sync_library,
             updated_at, time_zone)
        VALUES ($1, $2, 'disconnected', coalesce($3, false), coalesce($4, 80), false, false, false, $5,
            coalesce($6, 'UTC'))
        ON CONFLICT (user_id, provider) DO UPDATE SET
            enabled = coalesce($3, c.enabled),
            scrobble_threshold_percent = coalesce($4, c.scrobble_threshold_percent), updated_at = excluded.updated_at,
            time_zone = coalesce($6, c.time_zone)
        """)

    static let setTimeZone = PGCommand(
        "connections.setTimeZone",
        "UPDATE scrobble_connections SET time_zone = $3 WHERE user_id = $1 AND provider = $2 AND time_zone <> $3")

    static let setPolicies = PGCommand(
        "connections.setPolicies",
        """
        INSERT INTO sync_policies (user_id, provider, facet, direction, conflicts, deletes)
        SELECT $1, $2, facet, direction, conflicts, deletes::boolean
        FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS p (facet, direction, conflicts, deletes)
        ON CONFLICT (user_id, provider, facet) DO UPDATE SET
            direction = excluded.direction, conflicts = excluded.conflicts, deletes = excluded.deletes
        """)

    /// Sets the connection's three switches from its policies.
    static let switchFacets = PGCommand(
        "connections.switchFacets",
        """
        UPDATE scrobble_connections c SET sync_ratings = p.ratings, sync_watch_status = p.watched, sync_library = p.library
        FROM (
            SELECT coalesce(bool_or(facet = 'ratings'), false) AS ratings,
                coalesce(bool_or(facet IN ('history', 'progress')), false) AS watched,
                coalesce(bool_or(facet IN ('watchlist', 'collection')), false) AS library
            FROM sync_policies WHERE user_id = $1 AND provider = $2 AND direction <> 'off'
        ) p
        WHERE c.user_id = $1 AND c.provider = $2
        """)

    /// Pauses a connection by hand, or resumes it whatever it was waiting for. Does nothing unless it is connected.
    static let pause = PGStatement(
        "connections.pause",
        """
        UPDATE scrobble_connections SET
            state = CASE WHEN $3 THEN 'paused' ELSE 'connected' END, state_reason = NULL, updated_at = $4
        WHERE user_id = $1 AND provider = $2 AND access_token_encrypted IS NOT NULL AND state <> 'disconnected'
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Stores a new pair of tokens whose account is not known yet. The settings stay, and so does the previous account,
    /// to be compared with the new one once that is known.
    static let connect = PGCommand(
        "connections.connect",
        """
        INSERT INTO scrobble_connections AS c
            (user_id, provider, access_token_encrypted, refresh_token_encrypted, token_issued_at, token_expires_at,
             uses_secret, account_is_known, enabled, sync_ratings, sync_watch_status, sync_library, connected_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, false, false, false, false, false, $8, $8)
        ON CONFLICT (user_id, provider) DO UPDATE SET
            access_token_encrypted = excluded.access_token_encrypted,
            refresh_token_encrypted = excluded.refresh_token_encrypted, token_issued_at = excluded.token_issued_at,
            token_expires_at = excluded.token_expires_at, uses_secret = excluded.uses_secret, account_is_known = false,
            state = 'connected', state_reason = NULL, refresh_tries = 0, refresh_held_until = '-infinity',
            refresh_fence = c.refresh_fence + 1, connected_at = excluded.connected_at, updated_at = excluded.updated_at
        """)

    /// Sets the account of the connection made at `$3` and returns the previous one. No row if other tokens were stored
    /// since.
    static let confirm = PGStatement(
        "connections.confirm",
        """
        WITH before AS (
            SELECT user_id, provider, account_key FROM scrobble_connections
            WHERE user_id = $1 AND provider = $2 AND connected_at = $3 AND access_token_encrypted IS NOT NULL FOR UPDATE
        )
        UPDATE scrobble_connections c SET account_key = $4, account_name = $5, account_is_known = true
        FROM before b WHERE c.user_id = b.user_id AND c.provider = b.provider
        RETURNING b.account_key
        """, kind: .write
    ) { row throws(PGError) in try row.next(String?.self) }

    /// Ends runs that read or write for an account that has been replaced. The raised fence stops them from writing
    /// anything more.
    static let endRuns = PGCommand(
        "connections.endRuns",
        """
        UPDATE sync_runs SET state = 'failed', reason = 'another account was connected', fence = fence + 1,
            finished_at = clock_timestamp()
        WHERE user_id = $1 AND provider = $2 AND id IS DISTINCT FROM $3 AND state IN ('reading', 'applying')
        """)

    static let stop = PGCommand(
        "connections.stop",
        """
        UPDATE scrobble_connections SET state = $3, state_reason = $3, updated_at = now()
        WHERE user_id = $1 AND provider = $2 AND state <> 'disconnected'
        """)

    static let tokens = PGStatement(
        "connections.tokens",
        """
        SELECT access_token_encrypted, refresh_token_encrypted, token_issued_at, token_expires_at, uses_secret, state,
            refresh_tries, refresh_held_until > clock_timestamp(), enabled
        FROM scrobble_connections
        WHERE user_id = $1 AND provider = $2 AND access_token_encrypted IS NOT NULL
        """
    ) { row throws(PGError) in
        SealedTokens(
            access: try row.next(), refresh: try row.next(), issuedAt: try row.next(), expiresAt: try row.next(),
            usesSecret: try row.next(), state: try row.next(), tries: try row.next(), isHeld: try row.next(),
            isEnabled: try row.next())
    }

    /// Takes the lease of a refresh and, in the same statement, records the intent to send this refresh token. No row
    /// while somebody else holds the lease, or if the tokens have changed.
    static let beginRefresh = PGStatement(
        "connections.beginRefresh",
        """
        UPDATE scrobble_connections SET
            refresh_fence = refresh_fence + 1, refresh_tries = refresh_tries + 1,
            refresh_held_until = clock_timestamp() + $4 * interval '1 second'
        WHERE user_id = $1 AND provider = $2 AND refresh_token_encrypted = $3
            AND refresh_held_until <= clock_timestamp() AND state <> 'needs_reauth'
        RETURNING refresh_fence
        """, kind: .solo
    ) { row throws(PGError) in try row.next(Int64.self) }

    /// Ends a refresh with the new pair, if the caller still holds the lease.
    static let endRefresh = PGStatement(
        "connections.endRefresh",
        """
        UPDATE scrobble_connections SET
            access_token_encrypted = $4, refresh_token_encrypted = $5, token_issued_at = $6, token_expires_at = $7,
            refresh_tries = 0, refresh_held_until = '-infinity', updated_at = $6,
            state = CASE WHEN state = 'refreshing' THEN 'connected' ELSE state END
        WHERE user_id = $1 AND provider = $2 AND refresh_fence = $3
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Ends a refresh without a new pair; the next may begin in `$4` seconds at the earliest. `$5` is the resulting
    /// state, if it changes.
    static let failRefresh = PGStatement(
        "connections.failRefresh",
        """
        UPDATE scrobble_connections SET
            refresh_held_until = clock_timestamp() + $4 * interval '1 second',
            state = coalesce($5, state), state_reason = coalesce($5, state_reason), updated_at = now()
        WHERE user_id = $1 AND provider = $2 AND refresh_fence = $3
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Removes the tokens and returns what they were, so that the other side can be told.
    static let disconnect = PGStatement(
        "connections.disconnect",
        """
        WITH before AS (
            SELECT user_id, provider, access_token_encrypted FROM scrobble_connections
            WHERE user_id = $1 AND provider = $2 AND state <> 'disconnected' FOR UPDATE
        )
        UPDATE scrobble_connections c SET
            access_token_encrypted = NULL, refresh_token_encrypted = NULL, token_issued_at = NULL, token_expires_at = NULL,
            state = 'disconnected', state_reason = NULL, refresh_fence = c.refresh_fence + 1, refresh_tries = 0,
            refresh_held_until = '-infinity', updated_at = $3
        FROM before b WHERE c.user_id = b.user_id AND c.provider = b.provider
        RETURNING b.access_token_encrypted
        """, kind: .write
    ) { row throws(PGError) in try row.next([UInt8]?.self) }

    // MARK: Flows

    /// Deletes the person's flow of this kind, of which there is at most one, and every expired flow.
    static let clearFlows = PGCommand(
        "connections.clearFlows",
        """
        DELETE FROM oauth_flows
        WHERE (user_id = $1 AND provider = $2 AND kind = $3) OR expires_at < clock_timestamp() - interval '1 hour'
        """)

    static let openFlow = PGCommand(
        "connections.openFlow",
        """
        INSERT INTO oauth_flows
            (user_id, id, provider, kind, state_digest, secret_encrypted, interval_seconds, next_poll_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7::integer, clock_timestamp() + $7 * interval '1 second',
            clock_timestamp() + $8 * interval '1 second')
        """)

    /// Takes a code flow. Whatever comes of it, its state cannot be used again.
    static let takeFlow = PGStatement(
        "connections.takeFlow",
        """
        DELETE FROM oauth_flows WHERE user_id = $1 AND provider = $2 AND kind = 'code' AND state_digest = $3
        RETURNING id, secret_encrypted, expires_at > clock_timestamp()
        """, kind: .write
    ) { row throws(PGError) in
        StoredFlow(id: try row.next(PGUUID.self), secret: try row.next(), isAlive: try row.next())
    }

    /// Takes the turn to poll a device flow, at most one per interval. Returns how long to wait if the turn has not
    /// come yet.
    static let pollFlow = PGStatement(
        "connections.pollFlow",
        """
        WITH flow AS (
            SELECT user_id, id, secret_encrypted, interval_seconds, expires_at > clock_timestamp() AS is_alive,
                next_poll_at <= clock_timestamp() AS is_due,
                greatest(0, extract(epoch FROM next_poll_at - clock_timestamp()))::float8 AS wait
            FROM oauth_flows WHERE user_id = $1 AND provider = $2 AND kind = 'device' AND id = $3 FOR UPDATE
        ), turn AS (
            UPDATE oauth_flows f SET next_poll_at = clock_timestamp() + f.interval_seconds * interval '1 second'
            FROM flow w WHERE f.user_id = w.user_id AND f.id = w.id AND w.is_due AND w.is_alive
            RETURNING f.id
        )
        SELECT w.secret_encrypted, w.is_alive, EXISTS (SELECT FROM turn),
            CASE WHEN w.is_due THEN w.interval_seconds ELSE w.wait END::float8
        FROM flow w
        """, kind: .write
    ) { row throws(PGError) in
        DeviceTurn(secret: try row.next(), isAlive: try row.next(), isDue: try row.next(), waitSeconds: try row.next())
    }

    static let slowFlow = PGCommand(
        "connections.slowFlow",
        """
        UPDATE oauth_flows SET interval_seconds = least(60, greatest(interval_seconds + 1, $3)),
            next_poll_at = clock_timestamp() + least(60, greatest(interval_seconds + 1, $3)) * interval '1 second'
        WHERE user_id = $1 AND id = $2
        """)

    static let endFlow = PGStatement(
        "connections.endFlow", "DELETE FROM oauth_flows WHERE user_id = $1 AND id = $2 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    @Sendable private static func connection(_ row: inout PGRowReader) throws(PGError) -> StoredConnection {
        var connection = StoredConnection(
            provider: try row.next(), state: try row.next(), reason: try row.next(), isEnabled: try row.next(),
            thresholdPercent: try row.next(), account: try row.next(), isAccountKnown: try row.next(),
            connectedAt: try row.next(),
            tokenExpiresAt: try row.next(), isPaused: try row.next(), heldUntil: try row.next(), policies: [:])
        let (facets, directions): ([String], [String]) = (try row.next(), try row.next())
        let (conflicts, deletes): ([String], [String]) = (try row.next(), try row.next())
        for (place, name) in facets.enumerated() {
            guard let facet = SyncFacet(rawValue: name), let direction = SyncDirection(rawValue: directions[place]),
                let rule = ConflictRule(rawValue: conflicts[place])
            else { continue }
            connection.policies[facet] = FacetPolicy(
                direction: direction, conflicts: rule, deletes: deletes[place] == "true")
        }
        return connection
    }
}

/// A stored connection.
package struct StoredConnection: Sendable {
    package let provider: SyncProvider
    package let state: ConnectionState
    package let reason: String?
    package let isEnabled: Bool
    package let thresholdPercent: Double
    package let account: String?
    /// Whether the account has been read since its tokens were issued.
    package let isAccountKnown: Bool
    package let connectedAt: Timestamp?
    package let tokenExpiresAt: Timestamp?
    package let isPaused: Bool
    package let heldUntil: Timestamp?
    package var policies: [SyncFacet: FacetPolicy]
}

/// A pair of tokens as stored, encrypted.
struct SealedTokens: Sendable {
    let access: [UInt8]
    let refresh: [UInt8]?
    let issuedAt: Timestamp?
    let expiresAt: Timestamp?
    let usesSecret: Bool
    let state: ConnectionState
    let tries: Int
    /// Whether somebody is refreshing it now, or a refresh has to wait.
    let isHeld: Bool
    let isEnabled: Bool
}

struct StoredFlow: Sendable {
    let id: PGUUID
    let secret: [UInt8]
    let isAlive: Bool
}

struct DeviceTurn: Sendable {
    let secret: [UInt8]
    let isAlive: Bool
    let isDue: Bool
    let waitSeconds: Double
}

extension SyncFacet: PGScalar, PGDecodable {}
extension SyncDirection: PGScalar, PGDecodable {}
extension ConflictRule: PGScalar, PGDecodable {}
extension ConnectionState: PGScalar, PGDecodable {}
extension SyncSide: PGScalar, PGDecodable {}
extension FlowID: PGScalar, PGDecodable {}
