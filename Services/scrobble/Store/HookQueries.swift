import Contracts
import Postgres
import Store

/// The SQL statements for the hooks of media servers.
enum HookQueries {
    private static let columns = """
        id, name, sender, server_id, server_name, removes_plays, accepted_count, repeated_count, refused_count,
        created_at, last_delivery_at, old_secret_until
        """

    /// Creates a hook; no row if the person has too many, or the secret already exists.
    static let create = PGStatement(
        "hooks.create",
        """
        INSERT INTO hooks (user_id, id, name, time_zone, secret_hash, removes_plays, created_at)
        SELECT $1, $2, $3, $4, $5, $6, $7 WHERE (SELECT count(*) FROM hooks WHERE user_id = $1) < $8
        ON CONFLICT (secret_hash) DO NOTHING
        RETURNING \(columns)
        """, kind: .write, row: hook)

    static let list = PGStatement(
        "hooks.list", "SELECT \(columns) FROM hooks WHERE user_id = $1 ORDER BY id", row: hook)

    static let get = PGStatement(
        "hooks.get", "SELECT \(columns) FROM hooks WHERE user_id = $1 AND id = $2", row: hook)

    /// The hook, locked until the transaction ends.
    static let hold = PGStatement(
        "hooks.hold", "SELECT \(columns) FROM hooks WHERE user_id = $1 AND id = $2 FOR UPDATE", kind: .write, row: hook)

    static let bySecret = PGStatement(
        "hooks.bySecret", "SELECT \(columns) FROM hooks WHERE user_id = $1 AND secret_hash = $2", row: hook)

    /// Changes a hook. NULLs change nothing; `$5` forgets the server that the hook is bound to.
    static let update = PGStatement(
        "hooks.update",
        """
        UPDATE hooks SET name = coalesce($3, name), removes_plays = coalesce($4, removes_plays),
            sender = CASE WHEN $5 THEN NULL ELSE sender END, server_id = CASE WHEN $5 THEN NULL ELSE server_id END,
            server_name = CASE WHEN $5 THEN NULL ELSE server_name END
        WHERE user_id = $1 AND id = $2 RETURNING \(columns)
        """, kind: .write, row: hook)

    /// Replaces the secret; the previous one stays valid until `$4`. Rotating to the same secret changes nothing.
    static let rotate = PGStatement(
        "hooks.rotate",
        """
        UPDATE hooks SET
            old_secret_hash = CASE WHEN secret_hash = $3 THEN old_secret_hash ELSE secret_hash END,
            old_secret_until = CASE WHEN secret_hash = $3 THEN old_secret_until ELSE $4 END,
            secret_hash = $3
        WHERE user_id = $1 AND id = $2 RETURNING \(columns)
        """, kind: .write, row: hook)

    static let delete = PGStatement(
        "hooks.delete", "DELETE FROM hooks WHERE user_id = $1 AND id = $2 RETURNING id", kind: .write
    ) { row throws(PGError) in try row.next(HookID.self) }

    /// The hook that a secret opens.
    static let opened = PGStatement(
        "hooks.opened",
        """
        SELECT user_id, id FROM hooks
        WHERE secret_hash = $1 OR (old_secret_hash = $1 AND old_secret_until > $2)
        """
    ) { row throws(PGError) in HookPlace(owner: try row.next(), hook: try row.next()) }

    // MARK: Deliveries

    /// Records a delivery's server. The first server that calls is the hook's own; returns whether this one is.
    static let meet = PGStatement(
        "hooks.meet",
        """
        UPDATE hooks SET
            sender = coalesce(sender, $3), server_id = coalesce(server_id, $4),
            server_name = CASE WHEN server_id IS NULL OR server_id = $4 THEN coalesce($5, server_name)
                ELSE server_name END,
            last_delivery_at = $6
        WHERE user_id = $1 AND id = $2
        RETURNING $4::text IS NULL OR server_id = $4
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let count = PGCommand(
        "hooks.count",
        """
        UPDATE hooks SET accepted_count = accepted_count + $3, repeated_count = repeated_count + $4,
            refused_count = refused_count + $5
        WHERE user_id = $1 AND id = $2
        """)

    /// No row if the same was delivered before.
    static let remember = PGStatement(
        "hooks.remember",
        """
        INSERT INTO hook_fingerprints (user_id, hook_id, fingerprint, seen_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let remembers = PGStatement(
        "hooks.remembers",
        "SELECT true FROM hook_fingerprints WHERE user_id = $1 AND hook_id = $2 AND fingerprint = $3"
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// The last payload of an account about a title; `$4` is the title as shown to people.
    static let lastWord = PGStatement(
        "hooks.lastWord",
        """
        SELECT payload FROM hook_deliveries
        WHERE user_id = $1 AND hook_id = $2 AND account IS NOT DISTINCT FROM $3 AND summary IS NOT DISTINCT FROM $4
            AND payload IS NOT NULL
        ORDER BY id DESC LIMIT 1
        """
    ) { row throws(PGError) in try row.next(String.self) }

    /// No row if the account is new and the hook already has too many.
    static let noteAccount = PGStatement(
        "hooks.noteAccount",
        """
        INSERT INTO hook_accounts AS a (user_id, hook_id, account, name, first_seen_at, last_seen_at)
        SELECT $1, $2, $3, $4, $5, $5
        WHERE (SELECT count(*) FROM hook_accounts WHERE user_id = $1 AND hook_id = $2) < $6
            OR EXISTS (SELECT FROM hook_accounts WHERE user_id = $1 AND hook_id = $2 AND account = $3)
        ON CONFLICT (user_id, hook_id, account) DO UPDATE SET
            name = excluded.name, last_seen_at = excluded.last_seen_at
        RETURNING a.assigned_to IS NOT NULL, a.is_ignored
        """, kind: .write
    ) { row throws(PGError) in (isAssigned: try row.next(Bool.self), isIgnored: try row.next(Bool.self)) }

    static let keep = PGCommand(
        "hooks.keep",
        """
        INSERT INTO hook_deliveries
            (user_id, id, hook_id, account, sender, event, summary, payload, state, reason, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """)

    /// Deletes the deliveries beyond the number that is kept: `$3`, or `$4` of the quarantined ones. Pending ones stay.
    static let trim = PGCommand(
        "hooks.trim",
        """
        DELETE FROM hook_deliveries d USING (
            (SELECT user_id, id FROM hook_deliveries
             WHERE user_id = $1 AND hook_id = $2 AND state NOT IN ('pending', 'quarantined')
             ORDER BY id DESC OFFSET $3)
            UNION ALL
            (SELECT user_id, id FROM hook_deliveries
             WHERE user_id = $1 AND hook_id = $2 AND state = 'quarantined' ORDER BY id DESC OFFSET $4)
        ) old WHERE d.user_id = old.user_id AND d.id = old.id
        """)

    static let deliveries = PGStatement(
        "hooks.deliveries",
        """
        SELECT id, received_at, sender, event, account, summary, state, reason, title_ids, play_ids, tries
        FROM hook_deliveries WHERE user_id = $1 AND hook_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4
        """
    ) { row throws(PGError) in
        HookDelivery(
            id: try row.next(), receivedAt: try row.next(), sender: try row.next(), event: try row.next(),
            account: try row.next(), summary: try row.next(), state: try row.next(), reason: try row.next(),
            titles: try row.next([PGUUID].self).map { TitleID(UUIDBits($0)) },
            plays: try row.next([PGUUID].self).map { PlayID(UUIDBits($0)) }, tries: try row.next())
    }

    /// Queues a delivery to be processed again.
    static let rerun = PGStatement(
        "hooks.rerun",
        """
        UPDATE hook_deliveries SET state = 'pending', due_at = now(), tries = 0, reason = NULL
        WHERE user_id = $1 AND hook_id = $2 AND id = $3 AND state IN ('done', 'ignored', 'unmatched', 'failed')
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let hasDelivery = PGStatement(
        "hooks.hasDelivery", "SELECT true FROM hook_deliveries WHERE user_id = $1 AND hook_id = $2 AND id = $3"
    ) { row throws(PGError) in try row.next(Bool.self) }

    // MARK: Accounts

    static let accounts = PGStatement(
        "hooks.accounts",
        """
        SELECT a.account, a.name, a.assigned_to, a.is_ignored, a.first_seen_at, a.last_seen_at,
            (SELECT count(*) FROM hook_deliveries d WHERE d.user_id = a.user_id AND d.hook_id = a.hook_id
                AND d.state = 'quarantined' AND d.account = a.account)
        FROM hook_accounts a WHERE a.user_id = $1 AND a.hook_id = $2 ORDER BY a.first_seen_at, a.account
        """, row: account)

    static let assign = PGStatement(
        "hooks.assign",
        """
        UPDATE hook_accounts a SET assigned_to = $4, time_zone = $5, is_ignored = $6
        WHERE user_id = $1 AND hook_id = $2 AND account = $3
        RETURNING a.account, a.name, a.assigned_to, a.is_ignored, a.first_seen_at, a.last_seen_at, 0::bigint
        """, kind: .write, row: account)

    /// Releases what was quarantined for an account, to be processed now or never. Returns how many deliveries there
    /// were.
    static let release = PGCommand(
        "hooks.release",
        """
        UPDATE hook_deliveries SET state = $4, due_at = now(), reason = $5
        WHERE user_id = $1 AND hook_id = $2 AND account = $3 AND state = 'quarantined'
        """)

    /// Unassigns the accounts on media servers of a person who leaves.
    static let forgetPerson = PGCommand(
        "hooks.forgetPerson",
        "UPDATE hook_accounts SET assigned_to = NULL, time_zone = NULL WHERE assigned_to = $1")

    /// Sets a person's time zone on their hooks, on their accounts at anybody's hooks and on open sittings. Returns
    /// whether any of them had another zone.
    static let setTimeZone = PGStatement(
        "hooks.setTimeZone",
        """
        WITH own AS (
            UPDATE hooks SET time_zone = $2 WHERE user_id = $1 AND time_zone <> $2 RETURNING true
        ), assigned AS (
            UPDATE hook_accounts SET time_zone = $2 WHERE assigned_to = $1 AND time_zone <> $2 RETURNING true
        ), sittings AS (
            UPDATE playback_sessions SET time_zone = $2
            WHERE user_id = $1 AND state <> 'stopped' AND time_zone <> $2 RETURNING true
        )
        SELECT EXISTS (SELECT FROM own) OR EXISTS (SELECT FROM assigned) OR EXISTS (SELECT FROM sittings)
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    // MARK: Work

    /// Leases hooks with due deliveries, except those that are leased already or wait to retry their first delivery.
    static let claim = PGStatement(
        "hooks.claim",
        """
        WITH waiting AS MATERIALIZED (
            SELECT DISTINCT user_id, hook_id FROM (
                SELECT d.user_id, d.hook_id FROM hook_deliveries d
                JOIN hooks h ON h.user_id = d.user_id AND h.id = d.hook_id
                WHERE d.state = 'pending' AND d.due_at <= now() AND h.held_until <= now()
                ORDER BY d.due_at LIMIT 500) d
        ), due AS (
            SELECT h.user_id, h.id FROM hooks h JOIN waiting w ON h.user_id = w.user_id AND h.id = w.hook_id
            WHERE h.held_until <= now() ORDER BY h.user_id, h.id LIMIT $1
            FOR UPDATE OF h SKIP LOCKED
        )
        UPDATE hooks h SET held_until = clock_timestamp() + $2 * interval '1 second'
        FROM due WHERE h.user_id = due.user_id AND h.id = due.id
        RETURNING h.user_id, h.id
        """, kind: .solo
    ) { row throws(PGError) in HookPlace(owner: try row.next(), hook: try row.next()) }

    /// Releases a hook; nobody leases it again for `$3` seconds.
    static let letGo = PGCommand(
        "hooks.letGo",
        """
        UPDATE hooks SET held_until = CASE WHEN $3 > 0 THEN clock_timestamp() + $3 * interval '1 second'
            ELSE '-infinity' END
        WHERE user_id = $1 AND id = $2
        """)

    /// The deliveries of a hook to process, in order of arrival, with their person: the owner if no account is named.
    ///
    /// Nothing overtakes a waiting delivery until that one has been tried `$5` times. It is then passed over, and
    /// retried before whatever comes after it: the first `$4` of those by due time.
    static let due = PGStatement(
        "hooks.due",
        """
        SELECT d.id, d.payload, d.received_at, d.tries, h.removes_plays,
            CASE WHEN d.account IS NULL THEN h.user_id ELSE a.assigned_to END,
            CASE WHEN d.account IS NULL THEN h.time_zone ELSE a.time_zone END, coalesce(a.is_ignored, false)
        FROM hook_deliveries d JOIN hooks h ON h.user_id = d.user_id AND h.id = d.hook_id
        LEFT JOIN hook_accounts a ON a.user_id = d.user_id AND a.hook_id = d.hook_id AND a.account = d.account
        WHERE d.user_id = $1 AND d.id IN (
            (SELECT n.id FROM hook_deliveries n
             WHERE n.user_id = $1 AND n.hook_id = $2 AND n.state = 'pending' AND n.tries >= $5
             ORDER BY n.due_at, n.id LIMIT $4)
            UNION ALL
            (SELECT n.id FROM hook_deliveries n
             WHERE n.user_id = $1 AND n.hook_id = $2 AND n.state = 'pending' AND n.tries < $5
                AND NOT EXISTS (SELECT FROM hook_deliveries b
                    WHERE b.user_id = $1 AND b.hook_id = $2 AND b.state = 'pending' AND b.tries < $5
                        AND b.due_at > now() AND b.id <= n.id)
             ORDER BY n.id LIMIT $3))
        ORDER BY d.id
        """
    ) { row throws(PGError) in
        DueDelivery(
            id: try row.next(), payload: try row.next(), receivedAt: try row.next(), tries: try row.next(),
            removesPlays: try row.next(), person: try row.next(), timeZone: try row.next(),
            isIgnored: try row.next())
    }

    /// Locks a delivery that is still pending.
    static let take = PGStatement(
        "hooks.take",
        "SELECT true FROM hook_deliveries WHERE user_id = $1 AND id = $2 AND state = 'pending' FOR UPDATE", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let finish = PGCommand(
        "hooks.finish",
        """
        UPDATE hook_deliveries SET state = $3, reason = $4, title_ids = $5, play_ids = $6
        WHERE user_id = $1 AND id = $2 AND state = 'pending'
        """)

    /// Deletes a delivery: mere player positions are not recorded.
    static let drop = PGCommand("hooks.drop", "DELETE FROM hook_deliveries WHERE user_id = $1 AND id = $2")

    static let again = PGCommand(
        "hooks.again",
        """
        UPDATE hook_deliveries SET tries = tries + 1, due_at = clock_timestamp() + $3 * interval '1 second', reason = $4
        WHERE user_id = $1 AND id = $2 AND state = 'pending'
        """)

    static let sweep = PGCommand(
        "hooks.sweep",
        """
        DELETE FROM hook_fingerprints f USING (
            SELECT user_id, hook_id, fingerprint FROM hook_fingerprints
            WHERE seen_at < now() - $1 * interval '1 second' ORDER BY seen_at LIMIT $2
        ) old
        WHERE f.user_id = old.user_id AND f.hook_id = old.hook_id AND f.fingerprint = old.fingerprint
        """)

    // MARK: Rows

    @Sendable private static func hook(_ row: inout PGRowReader) throws(PGError) -> Hook {
        let (id, name): (HookID, String) = (try row.next(), try row.next())
        let (sender, serverID, serverName): (String?, String?, String?) = (
            try row.next(), try row.next(), try row.next()
        )
        let server = serverID.flatMap { id in
            HookServer(id: id, name: serverName)
        }
        return Hook(
            id: id, name: name, sender: sender, server: server, removesPlays: try row.next(),
            accepted: try row.next(), repeated: try row.next(), refused: try row.next(), createdAt: try row.next(),
            lastDeliveryAt: try row.next(), oldSecretUntil: try row.next())
    }

    @Sendable private static func account(_ row: inout PGRowReader) throws(PGError) -> HookAccount {
        HookAccount(
            account: try row.next(), name: try row.next(), person: try row.next(), isIgnored: try row.next(),
            firstSeenAt: try row.next(), lastSeenAt: try row.next(), waiting: try row.next())
    }
}

/// A hook and its owner.
package struct HookPlace: Sendable, Hashable {
    let owner: UserID
    let hook: HookID
}

/// A delivery to be processed.
struct DueDelivery: Sendable {
    let id: HookDeliveryID
    let payload: String
    let receivedAt: Timestamp
    let tries: Int
    let removesPlays: Bool
    /// The person whose plays these are; nil until the account is assigned.
    let person: UserID?
    let timeZone: String?
    let isIgnored: Bool
}

extension HookID: PGScalar, PGDecodable {}
extension HookDeliveryID: PGScalar, PGDecodable {}
extension HookDeliveryState: PGScalar, PGDecodable {}
