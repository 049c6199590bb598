import Postgres

/// The SQL statements for providers that may not be called for a while. Times are the database's.
enum HoldQueries {
    static let left = PGStatement(
        "holds.left",
        """
        SELECT extract(epoch FROM held_until - clock_timestamp())::float8 FROM provider_holds
        WHERE provider = $1 AND held_until > clock_timestamp()
        """
    ) { row throws(PGError) in try row.next(Double.self) }

    /// Sets a hold; a longer one stays.
    static let hold = PGCommand(
        "holds.hold",
        """
        INSERT INTO provider_holds AS h (provider, held_until)
        VALUES ($1, clock_timestamp() + $2 * interval '1 second')
        ON CONFLICT (provider) DO UPDATE SET held_until = greatest(h.held_until, excluded.held_until)
        """)
}
