import Contracts
import Cryptography
import Postgres
import Store

extension SessionID: PGScalar, PGDecodable {}
extension APIKeyID: PGScalar, PGDecodable {}
extension InviteID: PGScalar, PGDecodable {}

/// Every SQL statement of the gateway; those of accounts are here, the rest in the files next to it.
enum GatewayQueries {
    /// Makes an account with its first session. The first account founds the installation and becomes its
    /// administrator; later ones are made only if `$6` allows it, or with the invitation whose code has the digest
    /// `$7`, which is thereby used up. No row if registration is closed.
    static let register = PGStatement(
        "gateway.register",
        """
        WITH founded AS (
            INSERT INTO installation (founder, founded_at) VALUES ($1, $5)
            ON CONFLICT DO NOTHING RETURNING founder
        ), invited AS (
            UPDATE invites SET used_at = $5
            WHERE code_hash = $7 AND used_at IS NULL AND expires_at > $5 AND NOT EXISTS (SELECT FROM founded)
            RETURNING id
        ), made AS (
            INSERT INTO users (id, username, username_key, password_hash, role, created_at)
            SELECT $1, $2, $3, $4, CASE WHEN EXISTS (SELECT FROM founded) THEN 'admin' ELSE 'member' END, $5
            WHERE $6 OR EXISTS (SELECT FROM founded) OR EXISTS (SELECT FROM invited)
            RETURNING id, username, role, time_zone, settings, created_at, \(givenUntil) AS given_until
        ), opened AS (
            INSERT INTO sessions (id, user_id, token_hash, refresh_hash, created_at, refreshed_at, authenticated_at,
                expires_at, refresh_expires_at, device, address)
            SELECT $8, id, $9, $10, $5, $5, $5, $11, $12, $13, $14 FROM made RETURNING user_id
        )
        SELECT id, username, role, time_zone, settings, created_at, given_until, false
        FROM made JOIN opened ON opened.user_id = made.id
        """, kind: .write, row: readUser)

    /// The same for an administrator: whatever registration allows, and without a session. The password must be changed
    /// within `$6` seconds.
    static let addUser = PGStatement(
        "gateway.addUser",
        """
        WITH founded AS (
            INSERT INTO installation (founder, founded_at) VALUES ($1, $5)
            ON CONFLICT DO NOTHING RETURNING founder
        )
        INSERT INTO users (id, username, username_key, password_hash, role, created_at, given_hash, given_until)
        SELECT $1, $2, $3, $4, CASE WHEN EXISTS (SELECT FROM founded) THEN 'admin' ELSE 'member' END, $5, $4,
            now() + $6 * interval '1 second'
        RETURNING id
        """, kind: .write
    ) { row throws(PGError) in try row.next(UserID.self) }

    /// What a password is checked against. Every name gets a row of the same kind and size: if nobody has it, `$2` and
    /// `$3` stand in, so that neither the look-up nor what follows takes a different time. `$4` is a network.
    static let credentials = PGStatement(
        "gateway.credentials",
        """
        SELECT coalesce(u.id, $2), coalesce(u.password_hash, $3), u.id IS NOT NULL,
            EXISTS (SELECT FROM known_networks n WHERE n.user_id = coalesce(u.id, $2) AND n.network_hash = $4),
            \(givenUntil)
        FROM (SELECT $1::text AS name) AS asked LEFT JOIN users u ON u.username_key = asked.name
        """
    ) { row throws(PGError) in
        Credentials(
            user: try row.next(), passwordHash: try row.next(), areSomebodys: try row.next(),
            areFromKnownNetwork: try row.next(), givenUntil: try row.next())
    }

    static let user = stored("gateway.user", "id = $1")
    static let userNamed = stored("gateway.userNamed", "username_key = $1")
    /// Locked until the transaction ends, so that changes follow each other.
    static let userToChange = stored("gateway.userToChange", "id = $1 FOR UPDATE")

    private static func stored(_ name: String, _ condition: String) -> PGStatement<StoredUser> {
        PGStatement(
            name,
            """
            SELECT id, username, role, time_zone, settings, created_at, \(givenUntil), \(hasSecondFactor("users")),
                password_hash, given_hash
            FROM users WHERE \(condition)
            """
        ) { row throws(PGError) in
            let user = try readUser(&row)
            return StoredUser(user: user, passwordHash: try row.next(), givenHash: try row.next())
        }
    }

    static let updateUser = PGStatement(
        "gateway.updateUser",
        """
        UPDATE users SET time_zone = $2, settings = $3 WHERE id = $1
        RETURNING id, username, role, time_zone, settings, created_at, \(givenUntil), \(hasSecondFactor("users"))
        """, kind: .write, row: readUser)

    /// Exact names only: Postgres itself would accept any case, abbreviations and POSIX rules.
    static let isTimeZone = PGStatement(
        "gateway.isTimeZone",
        "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1 AND name NOT LIKE 'posix/%')", kind: .solo
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let founder = PGStatement("gateway.isFounded", "SELECT true FROM installation") { row throws(PGError) in
        try row.next(Bool.self)
    }

    static let isInvite = PGStatement(
        "gateway.isInvite",
        "SELECT true FROM invites WHERE code_hash = $1 AND used_at IS NULL AND expires_at > $2"
    ) { row throws(PGError) in try row.next(Bool.self) }

    // MARK: Passwords

    /// Until when a password printed by an administrator's command must be changed; NULL for one that its person chose.
    /// It is the printed one as long as its hash is: a copy of an earlier release changes only the hash.
    static let givenUntil = "CASE WHEN given_hash = password_hash THEN given_until END"

    /// Keeps the hash of the printed one, so that it is recognised if it is to be the password again.
    static let setPassword = PGCommand(
        "gateway.setPassword", "UPDATE users SET password_hash = $2 WHERE id = $1")

    /// The same password hashed with current parameters.
    static let rehash = PGCommand(
        "gateway.rehash", "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3")

    /// What an administrator does at the machine itself. The password must be changed within `$3` seconds.
    static let resetPassword = PGStatement(
        "gateway.resetPassword",
        """
        UPDATE users SET password_hash = $2, given_hash = $2, given_until = now() + $3 * interval '1 second'
        WHERE username_key = $1 RETURNING id
        """, kind: .write
    ) { row throws(PGError) in try row.next(UserID.self) }

    // MARK: Leaving

    /// Taken first, so that of two administrators who leave at once the second sees the first gone.
    static let lockInstallation = PGCommand("gateway.lockInstallation", "SELECT FROM installation FOR UPDATE")

    /// Closes an account whose session logged in after `$3`, with everything belonging to it, and notes what to erase
    /// elsewhere. The oldest person inherits an installation without an administrator; without people it is as new.
    static let closeAccount = PGStatement(
        "gateway.closeAccount",
        """
        WITH gone AS (
            DELETE FROM users WHERE id = $1
                AND \(isFresh("$2", since: "$3"))
            RETURNING id, role
        ), noted AS (
            INSERT INTO account_deletions (user_id, requested_at, due_at) SELECT id, now(), now() FROM gone
            ON CONFLICT DO NOTHING
        ), heir AS (
            SELECT id, role FROM users WHERE id <> $1 ORDER BY role = 'admin' DESC, created_at, id LIMIT 1
        ), promoted AS (
            UPDATE users SET role = 'admin'
            WHERE id = (SELECT id FROM heir WHERE role <> 'admin') AND EXISTS (SELECT FROM gone WHERE role = 'admin')
        ), inherited AS (
            UPDATE installation SET founder = (SELECT id FROM heir)
            WHERE founder = $1 AND EXISTS (SELECT FROM heir) AND EXISTS (SELECT FROM gone)
        ), abandoned AS (
            DELETE FROM installation WHERE NOT EXISTS (SELECT FROM heir) AND EXISTS (SELECT FROM gone)
        )
        SELECT id FROM gone
        """, kind: .write
    ) { row throws(PGError) in try row.next(UserID.self) }

    @Sendable static func readUser(_ row: inout PGRowReader) throws(PGError) -> User {
        User(
            id: try row.next(), username: try row.next(), role: try row.next(), timeZone: try row.next(),
            settings: UserSettings.standard.applying(try row.nextJSON()), createdAt: try row.next(),
            changePasswordBy: try row.next(), secondFactor: try row.next(Bool.self) ? true : nil)
    }
}

/// What a name's password is checked against, whether or not somebody has the name.
struct Credentials: Sendable {
    let user: UserID
    /// A PHC string.
    let passwordHash: String
    /// False for a name that nobody has; then no password is right.
    let areSomebodys: Bool
    /// Whether the person has logged in from this network before.
    let areFromKnownNetwork: Bool
    /// Until when a password that an administrator gave is valid; nil for one that its person chose.
    let givenUntil: Timestamp?

    /// Whether they have expired, even though the password is right.
    func haveExpired(at now: Timestamp) -> Bool { givenUntil.map { $0 <= now } ?? false }
}

/// A person's row.
struct StoredUser: Sendable {
    let user: User
    let passwordHash: String
    /// The hash of the password that an administrator gave last, whatever came after it.
    let givenHash: String?
}
