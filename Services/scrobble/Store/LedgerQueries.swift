import Contracts
import Postgres
import Store

/// Every SQL text about writing plays.
enum LedgerQueries {
    /// One writer of a person's ledger at a time: the same play by two roads meets itself.
    static let lock = PGCommand("ledger.lock", "SELECT pg_advisory_xact_lock(hashtextextended($1::text, 21))")

    /// The plays of the titles, those removed included, with their roads; days are those of `$3`, a time zone.
    static let known = PGStatement(
        "ledger.known",
        """
        SELECT p.id, p.title_id, p.precision, p.watched_at,
            coalesce(p.watched_on, (p.watched_at AT TIME ZONE $3)::date), p.runtime_minutes,
            p.removed_at IS NOT NULL, s.names, s.keys
        FROM plays p CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(source), '{}') AS names, coalesce(array_agg(source_key), '{}') AS keys
            FROM play_sources s WHERE s.user_id = p.user_id AND s.play_id = p.id
        ) s
        WHERE p.user_id = $1 AND p.title_id = ANY ($2)
        """
    ) { row throws(PGError) in
        let (id, title): (PlayID, TitleID) = (try row.next(), try row.next())
        let precision: PlayPrecision = try row.next()
        let watchedAt: Timestamp? = try row.next()
        let day: CalendarDate? = try row.next()
        let runtime: Int? = try row.next()
        let isRemoved: Bool = try row.next()
        let (names, keys): ([String], [String]) = (try row.next(), try row.next())
        return KnownPlay(
            id: id, title: title, moment: PlayMoment(precision, watchedAt, day), runtimeMinutes: runtime,
            isRemoved: isRemoved, sources: Set(zip(names, keys).map { PlaySource(name: $0, key: $1) }))
    }

    /// On which day each moment was in a time zone, in order.
    static let days = PGStatement(
        "ledger.days",
        """
        SELECT (moment AT TIME ZONE $2)::date FROM unnest($1::timestamptz[]) WITH ORDINALITY AS m (moment, place)
        ORDER BY place
        """
    ) { row throws(PGError) in try row.next(CalendarDate.self) }

    static let insert = PGCommand(
        "ledger.insert",
        """
        INSERT INTO plays
            (user_id, id, title_id, kind, watched_at, watched_on, precision, percent, runtime_minutes, batch_id,
             listed_at, created_at)
        SELECT $1, id, title_id, kind, watched_at, watched_on, precision, percent, runtime_minutes, $10, listed_at, $11
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::date[], $7::text[], $8::float8[],
            $9::int4[], $12::timestamptz[])
            AS p (id, title_id, kind, watched_at, watched_on, precision, percent, runtime_minutes, listed_at)
        """)

    static let addSources = PGCommand(
        "ledger.addSources",
        """
        INSERT INTO play_sources (user_id, play_id, source, source_key, seen_at)
        SELECT $1, play_id, source, source_key, $5
        FROM unnest($2::uuid[], $3::text[], $4::text[]) AS s (play_id, source, source_key)
        ON CONFLICT DO NOTHING
        """)

    /// A person takes a play out; what it was, for those who are told.
    static let remove = PGStatement(
        "ledger.remove",
        """
        UPDATE plays SET removed_at = $3 WHERE user_id = $1 AND id = $2 AND removed_at IS NULL
        RETURNING title_id, kind, watched_at, precision
        """, kind: .write
    ) { row throws(PGError) in
        RemovedPlay(
            title: try row.next(), kind: try row.next(), watchedAt: try row.next(), precision: try row.next())
    }

    /// A person puts plays back that were taken out.
    static let restore = PGCommand(
        "ledger.restore", "UPDATE plays SET removed_at = NULL WHERE user_id = $1 AND id = ANY ($2)")
}

/// A play that was just taken out.
struct RemovedPlay: Sendable {
    let title: TitleID
    let kind: TitleKind
    let watchedAt: Timestamp?
    let precision: PlayPrecision
}

extension PlayMoment {
    init(_ precision: PlayPrecision, _ watchedAt: Timestamp?, _ day: CalendarDate?) {
        switch (precision, watchedAt, day) {
        case (.second, .some(let instant), .some(let day)): self = .second(instant, day: day)
        case (.minute, .some(let instant), .some(let day)): self = .minute(instant, day: day)
        case (.day, _, .some(let day)): self = .day(day)
        default: self = .unknown
        }
    }
}
