import Contracts
import Postgres
import Store

/// Every SQL text about the accounts elsewhere.
enum ConnectionQueries {
    static let token = PGStatement(
        "connections.token",
        """
        SELECT access_token_encrypted FROM scrobble_connections
        WHERE user_id = $1 AND provider = $2 AND enabled AND access_token_encrypted IS NOT NULL
        """
    ) { row throws(PGError) in try row.next([UInt8].self) }

    static let put = PGCommand(
        "connections.put",
        """
        INSERT INTO scrobble_connections
            (user_id, provider, access_token_encrypted, scrobble_threshold_percent, connected_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT (user_id, provider) DO UPDATE SET
            access_token_encrypted = excluded.access_token_encrypted, state = 'connected', state_reason = NULL,
            scrobble_threshold_percent = excluded.scrobble_threshold_percent, updated_at = excluded.updated_at
        """)
}
