import Contracts
import Postgres
import Store

/// The SQL statements of re-encryption: pages of values that another key has encrypted, in order of their place, and
/// writes that take effect only if the value is still the one that was read. `$3` or `$2` is the prefix of everything
/// that the writing key has encrypted.
enum RotationQueries {
    static let connections = PGStatement(
        "rotation.connections",
        """
        SELECT user_id, provider, access_token_encrypted, refresh_token_encrypted FROM scrobble_connections
        WHERE (user_id, provider) > ($1, $2)
            AND (substring(access_token_encrypted FROM 1 FOR octet_length($3)) <> $3
                OR substring(refresh_token_encrypted FROM 1 FOR octet_length($3)) <> $3)
        ORDER BY user_id, provider LIMIT $4
        """
    ) { row throws(PGError) in
        SealedPair(
            lane: LaneKey(user: try row.next(), provider: try row.next()), access: try row.next(),
            refresh: try row.next())
    }

    static let replaceTokens = PGStatement(
        "rotation.replaceTokens",
        """
        UPDATE scrobble_connections c SET
            access_token_encrypted = coalesce(i.new_access, c.access_token_encrypted),
            refresh_token_encrypted = coalesce(i.new_refresh, c.refresh_token_encrypted)
        FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
            AS i (user_id, provider, access, refresh, new_access, new_refresh)
        WHERE c.user_id = i.user_id AND c.provider = i.provider
            AND c.access_token_encrypted IS NOT DISTINCT FROM i.access
            AND c.refresh_token_encrypted IS NOT DISTINCT FROM i.refresh
        RETURNING num_nonnulls(i.new_access, i.new_refresh)::bigint
        """, kind: .write
    ) { row throws(PGError) in try row.next(Int.self) }

    static let flows = PGStatement(
        "rotation.flows",
        """
        SELECT user_id, id, provider, secret_encrypted FROM oauth_flows
        WHERE (user_id, id) > ($1, $2) AND substring(secret_encrypted FROM 1 FOR octet_length($3)) <> $3
        ORDER BY user_id, id LIMIT $4
        """
    ) { row throws(PGError) in
        let (user, id): (UserID, FlowID) = (try row.next(), try row.next())
        return SealedFlow(lane: LaneKey(user: user, provider: try row.next()), id: id, secret: try row.next())
    }

    static let replaceFlows = PGStatement(
        "rotation.replaceFlows",
        """
        UPDATE oauth_flows f SET secret_encrypted = i.new_secret
        FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[]) AS i (user_id, id, secret, new_secret)
        WHERE f.user_id = i.user_id AND f.id = i.id AND f.secret_encrypted = i.secret
        RETURNING 1::bigint
        """, kind: .write
    ) { row throws(PGError) in try row.next(Int.self) }

    static let left = PGStatement(
        "rotation.left",
        """
        SELECT (SELECT coalesce(sum(num_nonnulls(
                nullif(substring(access_token_encrypted FROM 1 FOR octet_length($1)), $1),
                nullif(substring(refresh_token_encrypted FROM 1 FOR octet_length($1)), $1))), 0)
            FROM scrobble_connections)::bigint
            + (SELECT count(*) FROM oauth_flows WHERE substring(secret_encrypted FROM 1 FOR octet_length($1)) <> $1)
        """
    ) { row throws(PGError) in try row.next(Int.self) }
}

/// The tokens of a connection as stored.
struct SealedPair: Sendable {
    let lane: LaneKey
    let access: [UInt8]?
    let refresh: [UInt8]?
}

/// The secret of a flow as stored.
struct SealedFlow: Sendable {
    let lane: LaneKey
    let id: FlowID
    let secret: [UInt8]
}
