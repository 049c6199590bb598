import Contracts
import JSON
import Postgres
import Store

/// All SQL of the ratings service. All changes go through `change_ratings` and the functions beside it in the
/// migrations.
enum RatingsQueries {
    // MARK: Writing

    private static let changeColumns =
        "fate, results, versions, title, rating, review, spoiler, rated_at, updated_at, source"

    /// Changes one title of one person; `$6` is NULL to remove the rating.
    static let changeOne = PGStatement(
        "ratings.changeOne",
        """
        SELECT \(changeColumns) FROM change_ratings(
            ARRAY[$1], ARRAY[$2], ARRAY[$3], ARRAY[$15], ARRAY[$16], ARRAY[false], ARRAY[true],
            NULL, ARRAY[$4], ARRAY[$5], ARRAY[$6], ARRAY[$7], ARRAY[$8], ARRAY[$9], ARRAY[$10], ARRAY[$11],
            ARRAY[$12], ARRAY[$13], ARRAY[NULL]::text[], $14)
        """, kind: .write,
        many: PGManyText(
            """
            SELECT request::bigint, \(changeColumns) FROM change_ratings(
                $1::uuid[], $2::text[], $3::bytea[], $15::text[], $16::uuid[],
                array_fill(false, ARRAY[cardinality($1::uuid[])]), array_fill(true, ARRAY[cardinality($1::uuid[])]),
                NULL, $4::uuid[], $5::text[], $6::numeric[], $7::text[], $8::boolean[], $9::timestamptz[], $10::numeric[],
                $11::text[], $12::uuid[], $13::bigint[], NULL, (SELECT max(moment) FROM unnest($14::timestamptz[]) AS moment))
            """, keyCount: 1), isAlone: true, row: answer)

    /// Changes many titles of one person.
    static let changeMany = PGStatement(
        "ratings.changeMany",
        """
        SELECT \(changeColumns) FROM change_ratings(
            ARRAY[$1], ARRAY[$2], ARRAY[$3], ARRAY[$4], ARRAY[$5], ARRAY[$6], ARRAY[false],
            array_fill(1, ARRAY[cardinality($7)]), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        """, kind: .solo, row: answer)

    @Sendable private static func answer(_ row: inout PGRowReader) throws(PGError) -> RatingsStore.Answer {
        RatingsStore.Answer(
            fate: try row.next(), results: try row.next(), versions: try row.next(), title: try row.next(),
            rating: try row.next(), review: try row.next(), spoiler: try row.next(), ratedAt: try row.next(),
            updatedAt: try row.next(), source: try row.next())
    }

    static let forgetKeys = PGCommand(
        "ratings.forgetKeys",
        """
        DELETE FROM idempotency_keys WHERE (user_id, key) IN (
            SELECT user_id, key FROM idempotency_keys WHERE created_at < $1 ORDER BY created_at LIMIT $2)
        """)

    /// The digest that a key was used with.
    static let keptDigest = PGStatement(
        "ratings.keptDigest", "SELECT request_hash FROM idempotency_keys WHERE user_id = $1 AND key = $2"
    ) { row throws(PGError) in try row.next([UInt8].self) }

    /// The titles that were merged into some others.
    static let mergedInto = PGStatement(
        "ratings.mergedInto", "SELECT from_id, to_id FROM merged_titles WHERE to_id = ANY ($1) ORDER BY from_id"
    ) { row throws(PGError) in TitleMove(from: try row.next(), to: try row.next()) }

    // MARK: A person's ratings

    static let ratingColumns = columns(review: "review")

    private static func columns(review: String) -> String {
        """
        media_id, media_type, rating, \(review), spoiler, rated_at, updated_at, source, given_value, given_scale, play_id,
        version
        """
    }

    static let get = PGStatement(
        "ratings.get",
        """
        SELECT \(ratingColumns) FROM user_ratings
        WHERE user_id = $1 AND media_id = coalesce((SELECT to_id FROM merged_titles WHERE from_id = $2), $2)
        """,
        many: PGManyText(
            """
            SELECT asked.place, \(ratingColumns)
            FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (person, title, place)
            LEFT JOIN merged_titles m ON m.from_id = asked.title
            JOIN user_ratings ON user_id = asked.person AND media_id = coalesce(m.to_id, asked.title)
            """)
    ) { row throws(PGError) in try rating(&row) }

    /// Several people's latest versions, each with the one-based index of its question; and if the version is not the
    /// known one, a row for each of the titles (`$4`, with the index of their question in `$3`) that is rated.
    static let lookUp = PGStatement(
        "ratings.lookUp",
        """
        WITH asked AS MATERIALIZED (
            SELECT g.place, g.person, v.version, g.known IS NOT DISTINCT FROM v.version AS is_known
            FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS g (person, known, place) CROSS JOIN LATERAL (
                SELECT coalesce((SELECT p.version FROM user_versions p WHERE p.user_id = g.person), 0)::text AS version
            ) v
        )
        SELECT \(Database.versionSQL), a.place, a.version, a.is_known, f.*
        FROM asked a LEFT JOIN LATERAL (
            SELECT t.title, r.* FROM (
                SELECT n.title FROM unnest($3::bigint[], $4::uuid[]) AS n (place, title)
                WHERE n.place = a.place AND NOT a.is_known OFFSET 0
            ) t LEFT JOIN merged_titles m ON m.from_id = t.title
            CROSS JOIN LATERAL (
                SELECT \(ratingColumns) FROM user_ratings
                WHERE user_id = a.person AND media_id = coalesce(m.to_id, t.title) OFFSET 0
            ) r
        ) f ON true
        ORDER BY a.place
        """
    ) { row throws(PGError) in
        let data: String = try row.next()
        let place: Int = try row.next()
        let version: String = try row.next()
        let isKnown: Bool = try row.next()
        let asked: TitleID? = try row.next()
        var found: FoundRating?
        if let asked { found = FoundRating(asked: asked, rating: try rating(&row)) }
        return RatingsStore.LookedUp(
            data: data, index: place - 1, version: version, isKnown: isKnown, found: found)
    }

    /// Rows are whole while the reviews before them total less than `$3` bytes, according to the stored lengths; of the
    /// other rows no review is read.
    static let getMany = PGStatement(
        "ratings.getMany",
        """
        SELECT \(columns(review: "CASE WHEN is_whole THEN review END")), is_whole FROM (
            SELECT \(ratingColumns), coalesce(
                sum(octet_length(review)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) < $3 AS is_whole
            FROM (
                SELECT unnest($2::uuid[]) AS asked UNION
                SELECT m.to_id FROM unnest($2::uuid[]) AS old (id) CROSS JOIN LATERAL (
                    SELECT to_id FROM merged_titles WHERE from_id = old.id OFFSET 0
                ) m
            ) titles CROSS JOIN LATERAL (
                SELECT \(ratingColumns) FROM user_ratings WHERE user_id = $1 AND media_id = titles.asked OFFSET 0
            ) r
        ) found
        """
    ) { row throws(PGError) in RatingsStore.Found(rating: try rating(&row), isWhole: try row.next()) }

    /// Reads a rating, column by column.
    // Inlined into the closures that call it: they would otherwise copy the result of the call, or of the function they
    // are given, once more, and twice if it may throw, which was a tenth of the time to read a row.
    @inline(__always)
    static func rating(_ row: inout PGRowReader) throws(PGError) -> Rating {
        let title: TitleID = try row.next()
        let kind: TitleKind = try row.next()
        let rating: DecimalTenths = try row.next()
        let review: String? = try row.next()
        let spoiler: Bool = try row.next()
        let ratedAt: Timestamp = try row.next()
        let updatedAt: Timestamp = try row.next()
        let source: ChangeSource = try row.next()
        return Rating(
            title: title, kind: kind, rating: rating, review: review, spoiler: spoiler, ratedAt: ratedAt,
            updatedAt: updatedAt, source: source, given: try given(&row), play: try row.next(),
            version: try row.next())
    }

    private static func given(_ row: inout PGRowReader) throws(PGError) -> GivenRating? {
        let value: DecimalTenths? = try row.next()
        let scale: RatingScale? = try row.next()
        guard let value, let scale else { return nil }
        return GivenRating(value: value, scale: scale)
    }

    /// How often each rating was given by kind and, with another first column, in each year; `$2` is the time zone.
    ///
    /// Both scan an index in its own order, so that nothing is sorted, and a year is found by its bounds rather than
    /// computed for each rating. Dates before the year 1, which Postgres numbers differently, count as that year.
    static let statistics = PGStatement(
        "ratings.statistics",
        """
        SELECT k.media_type, v.rating, NULL::integer, k.count, NULL::bigint, NULL::timestamptz, NULL::timestamptz
        FROM (
            SELECT rating, count(*) FILTER (WHERE media_type = 'movie') AS movies,
                count(*) FILTER (WHERE media_type = 'series') AS series,
                count(*) FILTER (WHERE media_type = 'season') AS seasons,
                count(*) FILTER (WHERE media_type = 'episode') AS episodes
            FROM user_ratings WHERE user_id = $1 GROUP BY rating
        ) v CROSS JOIN LATERAL (
            VALUES ('movie', v.movies), ('series', v.series), ('season', v.seasons), ('episode', v.episodes)
        ) AS k (media_type, count) WHERE k.count > 0
        UNION ALL
        SELECT NULL, NULL, y.year, n.count, n.sum_tenths, span.first, span.last
        FROM (
            SELECT
                (SELECT rated_at FROM user_ratings WHERE user_id = $1 ORDER BY rated_at LIMIT 1) AS first,
                (SELECT rated_at FROM user_ratings WHERE user_id = $1 ORDER BY rated_at DESC LIMIT 1) AS last
            OFFSET 0
        ) span CROSS JOIN LATERAL generate_series(
            greatest(1, date_part('year', span.first AT TIME ZONE $2)::integer),
            greatest(1, date_part('year', span.last AT TIME ZONE $2)::integer)
        ) AS y (year) CROSS JOIN LATERAL (
            SELECT CASE WHEN y.year > 1 THEN make_timestamptz(y.year, 1, 1, 0, 0, 0, $2) ELSE '-infinity' END AS begins,
                make_timestamptz(y.year + 1, 1, 1, 0, 0, 0, $2) AS ends
            OFFSET 0
        ) bounds CROSS JOIN LATERAL (
            SELECT count(*) AS count, (sum(rating) * 10)::bigint AS sum_tenths FROM user_ratings r
            WHERE r.user_id = $1 AND r.rated_at >= bounds.begins AND r.rated_at < bounds.ends
        ) n WHERE n.count > 0
        """
    ) { row throws(PGError) -> StatisticsGroup in
        let (kind, rating): (TitleKind?, DecimalTenths?) = (try row.next(), try row.next())
        let (year, count): (Int?, Int) = (try row.next(), try row.next())
        let (sumTenths, first, last): (Int?, Timestamp?, Timestamp?) = (
            try row.next(), try row.next(), try row.next()
        )
        if let kind, let rating { return .rating(rating, kind, count: count) }
        guard let year, let sumTenths, let first, let last else {
            throw PGError(.decoding, "a row of neither a rating nor a year")
        }
        return .year(year, count: count, sumTenths: sumTenths, first: first, last: last)
    }

    static let reviewCount = PGStatement(
        "ratings.reviewCount", "SELECT count(*) FROM user_ratings WHERE user_id = $1 AND review IS NOT NULL"
    ) { row throws(PGError) in try row.next(Int.self) }

    // MARK: All people's

    static let summaries = PGStatement(
        "ratings.summaries",
        """
        SELECT asked.id, coalesce(sum(a.count), 0)::bigint, coalesce(sum(a.sum_tenths), 0)::bigint,
            ARRAY[
                coalesce(sum(a.histogram[1]), 0), coalesce(sum(a.histogram[2]), 0), coalesce(sum(a.histogram[3]), 0),
                coalesce(sum(a.histogram[4]), 0), coalesce(sum(a.histogram[5]), 0), coalesce(sum(a.histogram[6]), 0),
                coalesce(sum(a.histogram[7]), 0), coalesce(sum(a.histogram[8]), 0), coalesce(sum(a.histogram[9]), 0),
                coalesce(sum(a.histogram[10]), 0)
            ]::bigint[]
        FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place)
        LEFT JOIN merged_titles m ON m.from_id = asked.id
        LEFT JOIN rating_aggregates a ON a.media_id = coalesce(m.to_id, asked.id)
        GROUP BY asked.place, asked.id ORDER BY asked.place
        """
    ) { row throws(PGError) in
        let title: TitleID = try row.next()
        let count: Int = try row.next()
        let sumTenths: Int = try row.next()
        return RatingSummary(
            title: title, count: count, average: RatingMeans.mean(sumTenths: sumTenths, count: count),
            distribution: try row.next())
    }

    // MARK: Changes

    private static let eventColumns = """
        e.version, e.media_id, e.media_type, e.old_rating, e.rating, e.review, e.spoiler, e.rated_at, e.given_value,
        e.given_scale, e.play_id, e.changed_at, e.source, e.batch_id
        """

    static let event = PGStatement(
        "ratings.event", "SELECT \(eventColumns) FROM rating_events e WHERE e.user_id = $1 AND e.version = $2",
        row: change)

    static let timeline = PGStatement(
        "ratings.timeline",
        """
        SELECT \(eventColumns) FROM rating_events e
        WHERE e.user_id = $1 AND e.version < $2 ORDER BY e.version DESC LIMIT $3
        """, row: change)

    /// Under the title's own id and those of titles that were merged into it; `$5` is a batch or NULL.
    static let timelineOfTitle = PGStatement(
        "ratings.timelineOfTitle",
        """
        SELECT \(eventColumns) FROM rating_events e
        WHERE e.user_id = $1 AND e.version < $2 AND e.media_id = ANY (ARRAY(
            WITH title (id) AS (SELECT coalesce((SELECT to_id FROM merged_titles WHERE from_id = $4), $4))
            SELECT id FROM title UNION ALL SELECT m.from_id FROM merged_titles m JOIN title ON title.id = m.to_id))
            AND ($5::uuid IS NULL OR e.batch_id = $5)
        ORDER BY e.version DESC LIMIT $3
        """, row: change)

    static let timelineOfBatch = PGStatement(
        "ratings.timelineOfBatch",
        """
        SELECT \(eventColumns) FROM rating_events e
        WHERE e.user_id = $1 AND e.version < $2 AND e.batch_id = $4 ORDER BY e.version DESC LIMIT $3
        """, row: change)

    static let feed = PGStatement(
        "ratings.feed",
        """
        SELECT \(eventColumns) FROM rating_events e
        WHERE e.user_id = $1 AND e.version > $2 ORDER BY e.version LIMIT $3
        """, row: change)

    static let version = PGStatement("ratings.version", "SELECT version FROM user_versions WHERE user_id = $1") {
        row throws(PGError) in try row.next(Int.self)
    }

    @Sendable private static func change(_ row: inout PGRowReader) throws(PGError) -> RatingChange {
        let version: Int = try row.next()
        let title: TitleID = try row.next()
        let kind: TitleKind = try row.next()
        let old: DecimalTenths? = try row.next()
        let rating: DecimalTenths? = try row.next()
        let review: String? = try row.next()
        let spoiler: Bool = try row.next()
        let ratedAt: Timestamp? = try row.next()
        let given = try given(&row)
        return RatingChange(
            version: version, title: title, kind: kind, old: old, rating: rating, review: review,
            spoiler: rating == nil ? nil : spoiler, ratedAt: ratedAt, given: given, play: try row.next(),
            at: try row.next(), source: try row.next(), batch: try row.next())
    }

    /// The titles of a batch in the order of their first change in it, each with its state before and its last change.
    /// A review is included only if `$6` says so and the batch's change is the last one, and only while the reviews
    /// before it total less than `$5` bytes; from there on no row is whole.
    static let restorable = PGStatement(
        "ratings.restorable",
        """
        SELECT version, media_id, media_type, rating, CASE WHEN is_whole THEN review END, spoiler, rated_at, given_value,
            given_scale, play_id, last_batch, expected, is_whole
        FROM (
            SELECT version, media_id, media_type, rating, review, spoiler, rated_at, given_value, given_scale, play_id,
                last_batch, expected, coalesce(
                    sum(octet_length(review)) OVER (ORDER BY version ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0
                ) < $5 AS is_whole
            FROM (
                SELECT f.version, f.media_id, f.media_type, before.rating,
                    CASE WHEN $6 AND last.batch_id = $2 THEN before.review END AS review, before.spoiler,
                    before.rated_at, before.given_value, before.given_scale, before.play_id,
                    last.batch_id AS last_batch, CASE WHEN last.rating IS NULL THEN 0 ELSE last.version END AS expected
                FROM rating_events f
                LEFT JOIN LATERAL (
                    SELECT e.rating, e.review, e.spoiler, e.rated_at, e.given_value, e.given_scale, e.play_id
                    FROM rating_events e
                    WHERE e.user_id = f.user_id AND e.media_id = f.media_id AND e.version < f.version
                    ORDER BY e.version DESC LIMIT 1
                ) AS before ON true
                CROSS JOIN LATERAL (
                    SELECT e.batch_id, e.rating, e.version
                    FROM rating_events e WHERE e.user_id = f.user_id AND e.media_id = f.media_id
                    ORDER BY e.version DESC LIMIT 1
                ) AS last
                WHERE f.user_id = $1 AND f.batch_id = $2 AND f.version > $3 AND NOT EXISTS (
                    SELECT FROM rating_events e
                    WHERE e.user_id = f.user_id AND e.media_id = f.media_id AND e.batch_id = $2
                        AND e.version < f.version)
                ORDER BY f.version LIMIT $4
            ) touched
        ) counted
        ORDER BY version
        """
    ) { row throws(PGError) in
        let version: Int = try row.next()
        let title: TitleID = try row.next()
        let kind: TitleKind = try row.next()
        let rating: DecimalTenths? = try row.next()
        let review: String? = try row.next()
        let spoiler: Bool? = try row.next()
        let ratedAt: Timestamp? = try row.next()
        return Restorable(
            version: version, title: title, kind: kind, rating: rating, review: review, spoiler: spoiler,
            ratedAt: ratedAt, given: try given(&row), play: try row.next(), lastBatch: try row.next(),
            expectedVersion: try row.next(), isWhole: try row.next())
    }

    // MARK: Deletion and merges

    static let lockPerson = PGCommand("ratings.lockPerson", "SELECT pg_advisory_xact_lock(rating_lock($1))")

    static let bury = PGCommand(
        "ratings.bury", "INSERT INTO deleted_users (user_id, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING")

    static let isDeleted = PGStatement("ratings.isDeleted", "SELECT true FROM deleted_users WHERE user_id = $1") {
        row throws(PGError) in try row.next(Bool.self)
    }

    static let forgetRatings = PGStatement("ratings.forgetRatings", "SELECT forget_ratings($1, $2)", kind: .write) {
        row throws(PGError) in try row.next(Int.self)
    }

    static let forgetEvents = PGStatement(
        "ratings.forgetEvents",
        """
        WITH gone AS (
            DELETE FROM rating_events WHERE user_id = $1 AND version IN (
                SELECT version FROM rating_events WHERE user_id = $1 ORDER BY version LIMIT $2)
            RETURNING true
        )
        SELECT count(*) FROM gone
        """, kind: .solo
    ) { row throws(PGError) in try row.next(Int.self) }

    static let forgetPerson = ["user_versions", "idempotency_keys"].map {
        PGCommand("ratings.forget.\($0)", "DELETE FROM \($0) WHERE user_id = $1")
    }

    /// Those who record merges queue for this before they lock out writers, so that one of them does it for all.
    static let lockRecorders = PGCommand("ratings.lockRecorders", "SELECT pg_advisory_xact_lock(7103)")

    /// Writers share this lock: whoever holds it alone knows that nobody writes under an id that is about to go.
    static let lockMerges = PGCommand("ratings.lockMerges", "SELECT pg_advisory_xact_lock(7102)")

    /// `$1` → `$2`, each to the end of its chain.
    static let recordMerges = PGCommand(
        "ratings.recordMerges",
        """
        WITH merge AS (
            SELECT DISTINCT ON (g.from_id) g.from_id, coalesce(m.to_id, g.to_id) AS to_id
            FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS g (from_id, to_id, place)
            LEFT JOIN merged_titles m ON m.from_id = g.to_id
            WHERE g.from_id <> coalesce(m.to_id, g.to_id)
            ORDER BY g.from_id, g.place DESC
        ), shortened AS (
            UPDATE merged_titles m SET to_id = merge.to_id FROM merge
            WHERE m.to_id = merge.from_id AND m.from_id <> merge.to_id
        )
        INSERT INTO merged_titles (from_id, to_id) SELECT from_id, to_id FROM merge
        ON CONFLICT (from_id) DO UPDATE SET to_id = excluded.to_id
        """)

    /// Whether all of `$1` → `$2` is recorded already, each to the end of its chain.
    static let areRecorded = PGStatement(
        "ratings.areMergesRecorded",
        """
        SELECT NOT EXISTS (
            SELECT FROM unnest($1::uuid[], $2::uuid[]) AS g (from_id, to_id)
            LEFT JOIN merged_titles o ON o.from_id = g.to_id
            LEFT JOIN merged_titles m ON m.from_id = g.from_id
            WHERE coalesce(o.to_id, g.to_id) NOT IN (g.from_id, coalesce(m.to_id, g.from_id)))
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// Whether anything is rated under titles that were merged into others.
    static let isLeftBehind = PGStatement(
        "ratings.isLeftBehind",
        """
        SELECT EXISTS (
            SELECT FROM unnest($1::uuid[]) AS old (id)
            CROSS JOIN LATERAL (SELECT FROM merged_titles WHERE from_id = old.id OFFSET 0) m
            CROSS JOIN LATERAL (SELECT FROM user_ratings WHERE media_id = old.id LIMIT 1) r)
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let moveRatings = PGStatement(
        "ratings.moveRatings", "SELECT moved, met FROM move_ratings($1, $2, $3)", kind: .solo
    ) { row throws(PGError) in RatingsStore.Moved(count: try row.next(), met: try row.next()) }
}
