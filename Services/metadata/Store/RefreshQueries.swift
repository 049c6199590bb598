import Contracts
import JSON
import Postgres
import Store

/// The SQL statements of enrichment. A turn is a title and its fence; a turn's writes have no effect once another turn
/// has begun.
extension MetadataQueries {
    private static let record = """
        \(columns), t.children_at, \(ids(of: "t.parent_id")),
        coalesce((SELECT jsonb_agg(f.facts) FROM provider_facts f WHERE f.title_id = t.id), '[]'),
        coalesce((
            SELECT jsonb_agg(jsonb_build_object(
                'provider', o.provider, 'outcome', o.outcome, 'detail', o.detail,
                'asked_at', (extract(epoch FROM o.asked_at) * 1000)::bigint,
                'next_at', (extract(epoch FROM o.next_at) * 1000)::bigint))
            FROM provider_outcomes o WHERE o.title_id = t.id), '[]')
        """

    /// Leases up to $1 due titles for a turn of $2 microseconds, longest due first.
    static let lease = PGStatement(
        "metadata.leaseDue",
        """
        WITH due AS MATERIALIZED (
            SELECT r.title_id FROM title_refresh r
            WHERE r.due_at <= now() AND (r.lease_until IS NULL OR r.lease_until < now())
            ORDER BY r.due_at LIMIT $1 FOR UPDATE SKIP LOCKED
        ), turn AS (
            UPDATE title_refresh r
            SET lease_until = now() + $2 * interval '1 microsecond', fence = r.fence + 1
            FROM due WHERE r.title_id = due.title_id
            RETURNING r.title_id, r.fence, r.attempts, r.due_at
        )
        SELECT turn.fence, turn.attempts, \(record)
        FROM turn JOIN titles t ON t.id = turn.title_id ORDER BY turn.due_at
        """, kind: .write, row: turn)

    /// Begins a turn for one title now. Returns no row if another turn is under way or, unless it is forced ($3), if
    /// the title failed and is not yet due again.
    static let begin = PGStatement(
        "metadata.beginTurn",
        """
        WITH turn AS (
            INSERT INTO title_refresh AS r (title_id, due_at, lease_until, fence)
            SELECT t.id, now(), now() + $2 * interval '1 microsecond', 1 FROM titles t
            WHERE t.id = coalesce((SELECT d.new_id FROM title_redirects d WHERE d.old_id = $1), $1)
            ON CONFLICT (title_id) DO UPDATE
                SET fence = r.fence + 1, lease_until = excluded.lease_until
                WHERE (r.lease_until IS NULL OR r.lease_until < now())
                    AND ($3 OR r.attempts = 0 OR r.due_at <= now())
            RETURNING r.title_id, r.fence, r.attempts
        )
        SELECT turn.fence, turn.attempts, \(record) FROM turn JOIN titles t ON t.id = turn.title_id
        """, kind: .write, row: turn)

    /// Whether a title failed and is not yet due again, with no turn under way.
    static let isPostponed = PGStatement(
        "metadata.isPostponed",
        """
        SELECT EXISTS (SELECT FROM title_refresh r WHERE r.title_id = $1 AND r.attempts > 0 AND r.due_at > now()
            AND (r.lease_until IS NULL OR r.lease_until < now()))
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// The record of a title, with the outcome of each provider, without a turn.
    static let outcomes = PGStatement(
        "metadata.outcomes",
        """
        SELECT 0::bigint, 0, \(record) FROM titles t
        WHERE t.id = coalesce((SELECT d.new_id FROM title_redirects d WHERE d.old_id = $1), $1)
        """, row: turn)

    private static let isTurn = "EXISTS (SELECT FROM title_refresh r WHERE r.title_id = $1 AND r.fence = $2)"

    /// Returns the SQL for whether the title `t` has no id at the site of `key`. A count, because a planner that
    /// expects few rows would join a NOT EXISTS with the whole table.
    private static func isUnknown(_ key: String) -> String {
        "(SELECT count(*) FROM external_ids e WHERE e.title_id = t.id AND e.source = \(key).source) = 0"
    }

    /// Keeps other turns from beginning until the writes of this one are done.
    static let hold = PGCommand(
        "metadata.holdTurn", "SELECT FROM title_refresh r WHERE r.title_id = $1 AND r.fence = $2 FOR UPDATE")

    static let update = PGCommand(
        "metadata.updateTitle",
        """
        UPDATE titles t SET
            name = coalesce($3, t.name), original_name = coalesce($4, t.original_name), year = coalesce($5, t.year),
            release_date = coalesce($6, t.release_date), end_date = coalesce($7, t.end_date),
            overview = coalesce($8, t.overview), runtime_minutes = coalesce($9, t.runtime_minutes),
            genres = CASE WHEN cardinality($10) > 0 THEN $10 ELSE t.genres END,
            certification = coalesce($11, t.certification), poster_url = coalesce($12, t.poster_url),
            backdrop_url = coalesce($13, t.backdrop_url), external_ratings = $14, vote_average = $15, vote_count = $16,
            is_local = t.is_local AND $17, enriched_at = coalesce($18, t.enriched_at),
            children_at = coalesce($19, t.children_at), updated_at = $20
        WHERE t.id = $1 AND \(isTurn)
        """)

    /// Adds ids at sites where the title has none; ids that another title has stay there.
    static let link = PGCommand(
        "metadata.linkIDs",
        """
        INSERT INTO external_ids (source, kind, value, title_id)
        SELECT key.source, t.kind, key.value, t.id
        FROM titles t, unnest($3, $4) AS key (source, value)
        WHERE t.id = $1 AND \(isTurn)
            AND \(isUnknown("key"))
        ON CONFLICT DO NOTHING
        """)

    static let addNames = PGCommand(
        "metadata.addNames",
        """
        INSERT INTO title_names (title_id, name, words)
        SELECT $1, n.name, n.words FROM unnest($3, $4) WITH ORDINALITY AS n (name, words, place) WHERE \(isTurn)
            AND n.place <= $5 - (SELECT count(*) FROM title_names k WHERE k.title_id = $1)
        ON CONFLICT DO NOTHING
        """)

    static let addKeys = PGCommand(
        "metadata.addKeys",
        """
        INSERT INTO title_keys (key, title_id) SELECT k.key, $1 FROM unnest($3) AS k (key) WHERE \(isTurn)
        ON CONFLICT DO NOTHING
        """)

    static let keepFacts = PGCommand(
        "metadata.keepFacts",
        """
        INSERT INTO provider_facts AS f (title_id, provider, facts, fetched_at)
        SELECT $1, k.provider, k.facts, k.at FROM unnest($3, $4, $5) AS k (provider, facts, at) WHERE \(isTurn)
        ON CONFLICT (title_id, provider) DO UPDATE SET facts = excluded.facts, fetched_at = excluded.fetched_at
        """)

    static let keepOutcomes = PGCommand(
        "metadata.keepOutcomes",
        """
        INSERT INTO provider_outcomes AS o (title_id, provider, outcome, detail, asked_at, next_at)
        SELECT $1, k.provider, k.outcome, k.detail, $3, k.next_at
        FROM unnest($4, $5, $6, $7) AS k (provider, outcome, detail, next_at) WHERE \(isTurn)
        ON CONFLICT (title_id, provider) DO UPDATE
            SET outcome = excluded.outcome, detail = excluded.detail, asked_at = excluded.asked_at,
                next_at = excluded.next_at
        """)

    static let addHistory = PGCommand(
        "metadata.addHistory",
        """
        INSERT INTO rating_history (title_id, source, at, value, score, votes, via)
        SELECT $1, k.source, $3, k.value, k.score, k.votes, k.via
        FROM unnest($4, $5, $6, $7, $8) AS k (source, value, score, votes, via) WHERE \(isTurn)
        """)

    /// Thins the title's history, as of $3: changes older than $4 seconds to the last of each week and source, those
    /// older than $5 seconds to the last of each month, and in all to the latest $6.
    static let thinHistory = PGCommand(
        "metadata.thinHistory",
        """
        DELETE FROM rating_history h USING (
            SELECT s.number, s.is_spare,
                count(*) FILTER (WHERE NOT s.is_spare) OVER (ORDER BY s.number DESC) AS place
            FROM (
                SELECT d.number, d.span IS NOT NULL AND row_number() OVER (
                    PARTITION BY d.source, d.span, date_trunc(coalesce(d.span, 'day'), d.at AT TIME ZONE 'UTC')
                    ORDER BY d.number DESC) > 1 AS is_spare
                FROM (
                    SELECT c.number, c.source, c.at, CASE WHEN c.at < $3 - $5 * interval '1 second' THEN 'month'
                        WHEN c.at < $3 - $4 * interval '1 second' THEN 'week' END AS span
                    FROM rating_history c WHERE c.title_id = $1
                ) d
            ) s
        ) t
        WHERE h.title_id = $1 AND h.number = t.number AND (t.is_spare OR t.place > $6) AND \(isTurn)
        """)

    /// Returns the SQL for a column of a season or episode: what is told now or, if the list does not lead ($17), what
    /// was told before.
    private static func listed(_ column: String) -> String {
        "\(column) = coalesce(CASE WHEN $17 THEN excluded.\(column) END, t.\(column), excluded.\(column))"
    }

    /// Whether the scores of the list are taken: a title that was asked about itself keeps its own, and so does a
    /// scored one if the list does not lead.
    private static let isScored = "t.enriched_at IS NULL AND ($17 OR t.external_ratings = '[]'::jsonb)"

    /// Stores seasons and episodes as their series or season lists them. If the list does not lead, a season is left
    /// out that is numbered differently (by year, from $18 on, or not) than those stored.
    static let keepChildren = PGCommand(
        "metadata.keepChildren",
        """
        INSERT INTO titles AS t
            (id, kind, parent_id, season_number, episode_number, name, year, release_date, overview, runtime_minutes,
             poster_url, external_ratings, vote_average, vote_count, is_local, created_at, updated_at)
        SELECT c.id, c.kind, $3, c.season, nullif(c.episode, -1), c.name, extract(year FROM c.released)::integer,
            c.released, c.overview, c.runtime, c.poster, c.ratings, c.average, c.votes, false, $4, $4
        FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
            AS c (id, kind, season, episode, name, released, overview, runtime, poster, ratings, average, votes)
        WHERE \(isTurn)
            AND ($17 OR c.kind <> 'season' OR c.season = 0 OR NOT EXISTS (
                SELECT FROM titles s WHERE s.parent_id = $3 AND s.kind = 'season' AND s.season_number > 0
                    AND (s.season_number >= $18) <> (c.season >= $18)))
        ON CONFLICT (parent_id, kind, season_number, (coalesce(episode_number, -1))) WHERE parent_id IS NOT NULL
        DO UPDATE SET
            name = CASE WHEN $17 OR t.is_local THEN excluded.name ELSE t.name END, \(listed("year")),
            \(listed("release_date")), \(listed("overview")), \(listed("runtime_minutes")), \(listed("poster_url")),
            external_ratings = CASE WHEN \(isScored) THEN excluded.external_ratings ELSE t.external_ratings END,
            vote_average = CASE WHEN \(isScored) THEN excluded.vote_average ELSE t.vote_average END,
            vote_count = CASE WHEN \(isScored) THEN excluded.vote_count ELSE t.vote_count END,
            is_local = false, updated_at = excluded.updated_at
        """)

    static let linkChildren = PGCommand(
        "metadata.linkChildren",
        """
        INSERT INTO external_ids (source, kind, value, title_id)
        SELECT k.source, k.kind, k.value, t.id
        FROM unnest($4, $5, $6, $7, $8) AS k (source, kind, value, season, episode)
        JOIN titles t ON t.parent_id = $3 AND t.kind = k.kind AND t.season_number = k.season
            AND coalesce(t.episode_number, -1) = k.episode
        WHERE \(isTurn)
            AND \(isUnknown("k"))
        ON CONFLICT DO NOTHING
        """)

    /// Ends the turn; the title is due again at $3.
    static let finish = PGCommand(
        "metadata.finishTurn",
        """
        UPDATE title_refresh r SET due_at = $3, attempts = $4, lease_until = NULL WHERE r.title_id = $1 AND r.fence = $2
        """)

    /// Gives back unfinished turns.
    static let release = PGCommand(
        "metadata.releaseTurns",
        """
        UPDATE title_refresh r SET lease_until = NULL
        FROM unnest($1, $2) AS turn (title, fence) WHERE r.title_id = turn.title AND r.fence = turn.fence
        """)

    /// Inserts a new title and its first turn, of $11 microseconds. Fails if a title already has one of the ids, or the
    /// series has the number.
    static let insert = PGCommand(
        "metadata.insertTitle",
        """
        WITH made AS (
            INSERT INTO titles
                (id, kind, parent_id, season_number, episode_number, name, year, is_local, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8, $8)
            RETURNING id, kind
        ), known AS (
            INSERT INTO external_ids (source, kind, value, title_id)
            SELECT key.source, made.kind, key.value, made.id FROM made, unnest($9, $10) AS key (source, value)
        )
        INSERT INTO title_refresh (title_id, due_at, lease_until, fence)
        SELECT made.id, now(), now() + $11 * interval '1 microsecond', 1 FROM made
        """)

    /// Inserts many local titles at once, due now. Fails for all of them if a title already has one of the ids.
    static let insertLocals = PGCommand(
        "metadata.insertLocals",
        """
        WITH made AS (
            INSERT INTO titles
                (id, kind, parent_id, season_number, episode_number, name, year, is_local, created_at, updated_at)
            SELECT n.id, n.kind, n.series, n.season, n.episode, n.name, n.year, true, $8, $8
            FROM unnest($1, $2, $3, $4, $5, $6, $7) AS n (id, kind, series, season, episode, name, year)
            RETURNING id, kind
        ), known AS (
            INSERT INTO external_ids (source, kind, value, title_id)
            SELECT key.source, made.kind, key.value, made.id
            FROM unnest($9, $10, $11) AS key (id, source, value) JOIN made ON made.id = key.id
        ), names AS (
            INSERT INTO title_names (title_id, name, words)
            SELECT made.id, n.name, n.words
            FROM unnest($12, $13, $14) AS n (id, name, words) JOIN made ON made.id = n.id
        ), keys AS (
            INSERT INTO title_keys (key, title_id)
            SELECT k.key, made.id FROM unnest($15, $16) AS k (id, key) JOIN made ON made.id = k.id
        )
        INSERT INTO title_refresh (title_id, due_at) SELECT made.id, now() FROM made
        """)

    /// Ends a turn whose findings could not be stored: the title is due again in $3 microseconds. If they were stored
    /// after all, nothing changes.
    static let postpone = PGCommand(
        "metadata.postponeTurn",
        """
        UPDATE title_refresh r
        SET due_at = now() + $3 * interval '1 microsecond', attempts = r.attempts + 1, lease_until = NULL
        WHERE r.title_id = $1 AND r.fence = $2 AND r.lease_until IS NOT NULL
        """)

    /// Makes titles due by the given times at the latest; those that failed keep their own, whoever looks at them.
    static let wanted = PGCommand(
        "metadata.wanted",
        """
        INSERT INTO title_refresh AS r (title_id, due_at)
        SELECT t.id, min(w.due) FROM unnest($1, $2) AS w (id, due) JOIN titles t ON t.id = w.id GROUP BY t.id
        ON CONFLICT (title_id) DO UPDATE SET due_at = excluded.due_at
            WHERE r.due_at > excluded.due_at AND r.attempts = 0
        """)

    static let dueCount = PGStatement(
        "metadata.dueCount", "SELECT count(*) FROM (SELECT FROM title_refresh WHERE due_at <= now() LIMIT 100000) d"
    ) { row throws(PGError) in try row.next(Int.self) }

    @Sendable private static func turn(_ row: inout PGRowReader) throws(PGError) -> TitleRecord {
        let fence: Int = try row.next()
        let attempts: Int = try row.next()
        let title = try title(&row)
        let childrenAt: Timestamp? = try row.next()
        let seriesIDs: ExternalIds = try row.nextJSON()
        let facts: JSONValue = try row.nextJSON()
        let outcomes: JSONValue = try row.nextJSON()
        return TitleRecord(
            title: title, fence: Int64(fence), attempts: attempts, childrenAt: childrenAt,
            seriesIDs: SubjectIDs(seriesIDs),
            facts: Dictionary(facts.array.compactMap { ProviderFacts($0) }.map { ($0.provider, $0) }) { first, _ in
                first
            },
            outcomes: Dictionary(outcomes.array.compactMap(KeptOutcome.pair)) { first, _ in first })
    }
}

extension KeptOutcome {
    fileprivate static func pair(_ value: JSONValue) -> (ProviderID, KeptOutcome)? {
        guard let provider = value["provider"].string.flatMap(ProviderID.init(rawValue:)),
            let outcome = value["outcome"].string.flatMap(ProviderOutcome.init(rawValue:)),
            let at = value["asked_at"].int
        else { return nil }
        let kept = KeptOutcome(
            outcome: outcome, detail: value["detail"].string, askedAtMilliseconds: Int64(at),
            nextAtMilliseconds: value["next_at"].int.map { Int64($0) })
        return (provider, kept)
    }
}
