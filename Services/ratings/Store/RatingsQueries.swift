import Contracts
import Postgres
import Store

/// Every SQL text of the ratings service.
enum RatingsQueries {
    static let upsert = PGCommand(
        "ratings.upsert",
        """
        INSERT INTO user_ratings
            (user_id, media_id, media_type, rating, review, spoiler, rated_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (user_id, media_id) DO UPDATE SET
            media_type = excluded.media_type, rating = excluded.rating, review = excluded.review,
            spoiler = excluded.spoiler, rated_at = excluded.rated_at, updated_at = excluded.updated_at
        """,
        many: PGManyText(
            """
            INSERT INTO user_ratings
                (user_id, media_id, media_type, rating, review, spoiler, rated_at, updated_at)
            SELECT * FROM unnest(
                $1::uuid[], $2::uuid[], $3::text[], $4::numeric[], $5::text[], $6::boolean[], $7::timestamptz[],
                $8::timestamptz[])
            ON CONFLICT (user_id, media_id) DO UPDATE SET
                media_type = excluded.media_type, rating = excluded.rating, review = excluded.review,
                spoiler = excluded.spoiler, rated_at = excluded.rated_at, updated_at = excluded.updated_at
            """, keyCount: 2))

    static let remove = PGStatement(
        "ratings.remove", "DELETE FROM user_ratings WHERE user_id = $1 AND media_id = $2 RETURNING true", kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    static let get = PGStatement(
        "ratings.get",
        """
        SELECT media_id, media_type, rating, review, spoiler, rated_at, updated_at
        FROM user_ratings WHERE user_id = $1 AND media_id = $2
        """,
        many: PGManyText(
            """
            SELECT place, media_id, media_type, rating, review, spoiler, rated_at, updated_at
            FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (user_id, media_id, place)
            JOIN user_ratings USING (user_id, media_id)
            """), row: rating)

    static let getMany = PGStatement(
        "ratings.getMany",
        """
        SELECT media_id, media_type, rating, review, spoiler, rated_at, updated_at
        FROM user_ratings WHERE user_id = $1 AND media_id = ANY ($2)
        """, row: rating)

    @Sendable private static func rating(_ row: inout PGRowReader) throws(PGError) -> Rating {
        Rating(
            title: try row.next(), kind: try row.next(), rating: try row.next(), review: try row.next(),
            spoiler: try row.next(), ratedAt: try row.next(), updatedAt: try row.next())
    }
}
