import Contracts
import Postgres
import Store

/// The titles that the other side's numbers stand for, and the rate limit of reading from it.
extension SyncQueries {
    static let titles = PGStatement(
        "sync.titles",
        "SELECT number, title_id FROM remote_titles WHERE provider = $1 AND kind = $2 AND number = ANY ($3)"
    ) { row throws(PGError) in (try row.next(Int64.self), try row.next(TitleID.self)) }

    static let putTitles = PGCommand(
        "sync.putTitles",
        """
        INSERT INTO remote_titles (provider, kind, number, title_id)
        SELECT $1, $2, number, title_id FROM unnest($3::bigint[], $4::uuid[]) AS t (number, title_id)
        ON CONFLICT (provider, kind, number) DO UPDATE SET title_id = excluded.title_id
        """)

    /// Takes one token from an account's read allowance, if there is one; up to `$4` tokens may be borrowed. A third of
    /// the allowance `$3` is available at once; the rest refills evenly.
    static let takeRead = PGStatement(
        "sync.takeRead",
        """
        INSERT INTO rate_buckets AS b (user_id, provider, tokens, refilled_at)
        VALUES ($1, $2, $3 / 3 - 1, clock_timestamp())
        ON CONFLICT (user_id, provider) DO UPDATE SET
            tokens = least($3 / 3, b.tokens + extract(epoch FROM clock_timestamp() - b.refilled_at) * $3 / 450) - 1,
            refilled_at = clock_timestamp()
            WHERE least($3 / 3, b.tokens + extract(epoch FROM clock_timestamp() - b.refilled_at) * $3 / 450) >= 1 - $4
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }
}
