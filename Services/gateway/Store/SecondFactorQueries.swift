import Contracts
import Postgres
import Store

extension GatewayQueries {
    /// Returns a condition for whether a row of `users`, by the name `row`, has a second factor that is on.
    static func hasSecondFactor(_ row: String) -> String {
        "EXISTS (SELECT FROM second_factors f WHERE f.user_id = \(row).id AND f.confirmed_at IS NOT NULL)"
    }

    /// Stores an unconfirmed secret in place of any other, if the session `$2` logged in after `$3`. Returns whether it
    /// did, and whether no factor is on.
    static let beginFactor = PGStatement(
        "gateway.beginFactor",
        """
        WITH proof AS (
            SELECT \(isFresh("$2", since: "$3")) AS holds
        ), begun AS (
            INSERT INTO second_factors AS f (user_id, secret, begun_at) SELECT $1, $4, $5 FROM proof WHERE holds
            ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, begun_at = excluded.begun_at
                WHERE f.confirmed_at IS NULL
            RETURNING f.user_id
        )
        SELECT holds, EXISTS (SELECT FROM begun) FROM proof
        """, kind: .write
    ) { row throws(PGError) in
        let (isProven, isBegun) = (try row.next(Bool.self), try row.next(Bool.self))
        return isProven ? (isBegun ? FactorBeginning.begun : .exists) : .unproven
    }

    /// Locked until the transaction ends, so that of two requests with the same code one sees it taken.
    static let factor = PGStatement(
        "gateway.factor",
        """
        SELECT secret, begun_at, confirmed_at, last_step, wrong_codes FROM second_factors WHERE user_id = $1 FOR UPDATE
        """
    ) { row throws(PGError) in
        StoredFactor(
            secret: try row.next(), begunAt: try row.next(), confirmedAt: try row.next(), lastStep: try row.next(),
            wrongCodes: try row.next())
    }

    /// No row if one is on already.
    static let confirmFactor = PGStatement(
        "gateway.confirmFactor",
        """
        UPDATE second_factors SET confirmed_at = $2, last_step = $3 WHERE user_id = $1 AND confirmed_at IS NULL
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// No row if the code of that step, or of a later one, was taken before.
    static let takeStep = PGStatement(
        "gateway.takeStep",
        """
        UPDATE second_factors SET last_step = $2, wrong_codes = 0 WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let noteWrongCode = PGCommand(
        "gateway.noteWrongCode", "UPDATE second_factors SET wrong_codes = wrong_codes + 1 WHERE user_id = $1")

    static let forgetWrongCodes = PGCommand(
        "gateway.forgetWrongCodes", "UPDATE second_factors SET wrong_codes = 0 WHERE user_id = $1")

    static let addRecoveryCodes = PGCommand(
        "gateway.addRecoveryCodes",
        "INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, digest FROM unnest($2) AS given (digest)")

    /// No row if the code is not the person's, or was used.
    static let takeRecoveryCode = PGStatement(
        "gateway.takeRecoveryCode",
        "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Also removes the recovery codes; no row if there is no factor.
    static let removeFactor = PGStatement(
        "gateway.removeFactor", "DELETE FROM second_factors WHERE user_id = $1 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let lockPersonNamed = PGStatement(
        "gateway.lockPersonNamed", "SELECT id FROM users WHERE username_key = $1 FOR NO KEY UPDATE"
    ) { row throws(PGError) in try row.next(UserID.self) }

    /// Some that are sealed with another key than the one whose sealed values begin with `$1`, of people after `$2`.
    static let factorsOfOtherKeys = PGStatement(
        "gateway.factorsOfOtherKeys",
        """
        SELECT user_id, secret FROM second_factors
        WHERE user_id > $2 AND substr(secret, 1, octet_length($1)) <> $1 ORDER BY user_id LIMIT $3
        """
    ) { row throws(PGError) in SealedFactor(user: try row.next(), secret: try row.next()) }

    /// Applies only if the secret is still the one that was read.
    static let sealFactor = PGCommand(
        "gateway.sealFactor", "UPDATE second_factors SET secret = $3 WHERE user_id = $1 AND secret = $2")
}

/// The result of beginning a second factor.
enum FactorBeginning: Sendable, Hashable {
    case begun
    /// One is on and must be removed first.
    case exists
    /// The requesting session did not log in recently.
    case unproven
}

/// A second factor as stored in its row.
struct StoredFactor: Sendable {
    /// Sealed.
    let secret: [UInt8]
    let begunAt: Timestamp
    /// When it was turned on; nil if it is not.
    let confirmedAt: Timestamp?
    let lastStep: Int
    /// Consecutive ones, where they count.
    let wrongCodes: Int
}

/// A sealed secret and its owner.
struct SealedFactor: Sendable {
    let user: UserID
    let secret: [UInt8]
}
