import Contracts
import Postgres
import Store

/// The SQL statements of merging: everything of $2 goes to $1, in one transaction. If $2 has already been merged,
/// nothing happens.
extension MetadataQueries {
    /// The titles that have some of these keys, and the title $4, each with all its keys.
    static let holders = PGStatement(
        "metadata.keyHolders",
        """
        SELECT holder.title_id, known.sources, known.kinds, known.values
        FROM (
            SELECT k.title_id
            FROM external_ids k
            JOIN unnest($1, $2, $3) AS key (source, kind, value)
                ON (k.source, k.kind, k.value) = (key.source, key.kind, key.value)
            UNION SELECT $4
        ) AS holder (title_id)
        CROSS JOIN LATERAL (
            SELECT array_agg(e.source) AS sources, array_agg(e.kind) AS kinds, array_agg(e.value) AS values
            FROM external_ids e WHERE e.title_id = holder.title_id
        ) AS known
        WHERE known.sources IS NOT NULL
        """
    ) { row throws(PGError) in
        let id: TitleID = try row.next()
        let sources: [String] = try row.next()
        let kinds: [TitleKind] = try row.next([String].self).compactMap(TitleKind.init(rawValue:))
        let values: [String] = try row.next()
        guard sources.count == kinds.count else { throw PGError(.decoding, "a key of an unknown kind") }
        return KeyHolder(
            id: id,
            keys: Set(zip(zip(sources, kinds), values).map { OutsideKey(source: $0.0.0, kind: $0.0.1, value: $0.1) }))
    }

    /// Merges run one at a time, so that the feed's numbers appear in order; the lock ends with the transaction.
    static let lockMerges = PGCommand(
        "metadata.lockMerges", "SELECT pg_advisory_xact_lock(hashtextextended('reelay.metadata.merge', 0))")

    static let lockTitles = PGCommand(
        "metadata.lockTitles", "SELECT FROM titles WHERE id IN ($1, $2) ORDER BY id FOR UPDATE")

    private static let stands = "EXISTS (SELECT FROM titles l WHERE l.id = $2)"

    /// The seasons and episodes of $2 that $1 has too: they are merged themselves, into those of $1.
    static let twinChildren = PGStatement(
        "metadata.twinChildren",
        """
        SELECT one.id, other.id FROM titles other
        JOIN titles one ON one.parent_id = $1 AND one.kind = other.kind AND one.season_number = other.season_number
            AND coalesce(one.episode_number, -1) = coalesce(other.episode_number, -1)
        WHERE other.parent_id = $2 ORDER BY one.id
        """
    ) { row throws(PGError) in TitlePair(stays: try row.next(), goes: try row.next()) }

    static let mergeSteps: [PGCommand] = [
        PGCommand("metadata.mergeChildren", "UPDATE titles SET parent_id = $1, updated_at = $3 WHERE parent_id = $2"),
        PGCommand(
            "metadata.mergeIDs",
            "UPDATE external_ids SET title_id = $1 WHERE title_id = $2 AND $3::timestamptz IS NOT NULL"),
        PGCommand(
            "metadata.mergeNames",
            """
            WITH gone AS (DELETE FROM title_names WHERE title_id = $2 RETURNING name, words)
            INSERT INTO title_names (title_id, name, words) SELECT $1, name, words FROM gone
            WHERE $3::timestamptz IS NOT NULL ON CONFLICT DO NOTHING
            """),
        PGCommand(
            "metadata.mergeKeys",
            """
            WITH gone AS (DELETE FROM title_keys WHERE title_id = $2 RETURNING key)
            INSERT INTO title_keys (key, title_id) SELECT key, $1 FROM gone
            WHERE $3::timestamptz IS NOT NULL ON CONFLICT DO NOTHING
            """),
        PGCommand(
            "metadata.mergeHistory",
            "UPDATE rating_history SET title_id = $1 WHERE title_id = $2 AND $3::timestamptz IS NOT NULL"),
        PGCommand(
            "metadata.mergeFacts",
            """
            WITH gone AS (DELETE FROM provider_facts WHERE title_id = $2 RETURNING provider, facts, fetched_at)
            INSERT INTO provider_facts (title_id, provider, facts, fetched_at)
            SELECT $1, provider, facts, fetched_at FROM gone
            WHERE $3::timestamptz IS NOT NULL ON CONFLICT DO NOTHING
            """),
        PGCommand(
            "metadata.mergeOutcomes",
            "DELETE FROM provider_outcomes WHERE title_id = $2 AND $1::uuid IS NOT NULL AND $3::timestamptz IS NOT NULL"
        ),
        // Whoever has a turn at either title must not write what it found before the merge.
        PGCommand(
            "metadata.mergeTurn",
            """
            WITH gone AS (DELETE FROM title_refresh WHERE title_id = $2)
            INSERT INTO title_refresh AS r (title_id, due_at, fence) SELECT $1, now(), 1 WHERE \(stands)
                AND $3::timestamptz IS NOT NULL
            ON CONFLICT (title_id) DO UPDATE SET due_at = now(), fence = r.fence + 1, lease_until = NULL
            """),
        PGCommand(
            "metadata.mergeRedirects",
            "UPDATE title_redirects SET new_id = $1 WHERE new_id = $2 AND $3::timestamptz IS NOT NULL"),
        PGCommand(
            "metadata.mergeRedirect",
            """
            INSERT INTO title_redirects (old_id, new_id, merged_at) SELECT $2, $1, $3 WHERE \(stands)
            ON CONFLICT DO NOTHING
            """
        ),
        PGCommand(
            "metadata.mergeTitle",
            "DELETE FROM titles WHERE id = $2 AND $1::uuid IS NOT NULL AND $3::timestamptz IS NOT NULL"),
    ]
}

/// A title that stays and one that is merged into it.
struct TitlePair: Sendable, Hashable {
    let stays: TitleID
    let goes: TitleID
}
