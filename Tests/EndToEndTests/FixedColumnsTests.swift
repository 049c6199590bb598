import Foundation
import Stack
import Testing

/// Columns promised to readers of the database; tables may gain columns, but not lose these.
@Suite(.stack)
struct FixedColumnsTests {
    private static let promised = [
        "ratings.user_ratings": [
            "user_id uuid", "media_type text", "media_id uuid", "rating numeric(3,1)", "review text",
            "rated_at timestamp with time zone",
        ],
        "scrobble.scrobble_connections": [
            "user_id uuid", "provider text", "access_token_encrypted bytea", "refresh_token_encrypted bytea",
            "token_expires_at timestamp with time zone", "enabled boolean", "sync_ratings boolean",
            "sync_watch_status boolean", "sync_library boolean", "scrobble_threshold_percent double precision",
        ],
        "scrobble.scrobble_queue": [
            "user_id uuid", "provider text", "media_type text", "media_id uuid", "action text", "payload jsonb",
            "status text", "retry_count integer", "next_retry_at timestamp with time zone",
        ],
    ]

    @Test("The tables have the columns that were promised", arguments: promised.keys.sorted())
    func columns(table: String) async throws {
        let stack = try #require(Stack.current)
        let found = try await stack.database.query(
            """
            SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = '\(table)'::regclass AND attnum > 0 AND NOT attisdropped
            """)
        let missing = Set(Self.promised[table] ?? []).subtracting(found)
        #expect(missing.isEmpty, "\(table) has only \(found)")
    }
}
