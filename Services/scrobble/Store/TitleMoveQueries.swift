import Postgres

/// How rows keyed by a title, or referring to a play, follow merged titles. Records of the past (deliveries, jobs,
/// changes that were made) keep their id: metadata answers for it, and nothing here looks them up by it.
enum TitleMoveQueries {
    /// `$1` contains the titles that are gone. If both titles have a base, the one of the title that stays is kept; of
    /// two open conflicts the later one is kept.
    static let rekey: [PGCommand] = [
        PGCommand(
            "redirects.drop.sync_base",
            """
            DELETE FROM sync_base o USING merged_titles m JOIN sync_base n ON n.item_id = m.to_id
            WHERE m.from_id = ANY ($1) AND o.title_id = m.from_id AND o.facet <> 'history'
                AND n.user_id = o.user_id AND n.provider = o.provider AND n.facet = o.facet
            """),
        PGCommand(
            "redirects.rekey.sync_base",
            """
            UPDATE sync_base b SET
                title_id = m.to_id, item_id = CASE WHEN b.facet = 'history' THEN b.item_id ELSE m.to_id END
            FROM merged_titles m WHERE m.from_id = ANY ($1) AND b.title_id = m.from_id
            """),
        PGCommand(
            "redirects.rekey.sync_changes",
            """
            UPDATE sync_changes c SET title_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND c.title_id = m.from_id
                AND c.state IN ('planned', 'queued', 'held', 'failed')
            """),
        PGCommand(
            "redirects.drop.sync_conflicts",
            """
            WITH met AS (
                SELECT o.ctid AS old_row, n.ctid AS new_row,
                    (o.created_at, o.id) > (n.created_at, n.id) AS is_newer
                FROM merged_titles m JOIN sync_conflicts o ON o.title_id = m.from_id AND o.winner IS NULL
                    JOIN sync_conflicts n ON n.title_id = m.to_id AND n.winner IS NULL AND n.user_id = o.user_id
                        AND n.provider = o.provider AND n.facet = o.facet
                WHERE m.from_id = ANY ($1)
            )
            DELETE FROM sync_conflicts c USING met
            WHERE c.ctid = CASE WHEN met.is_newer THEN met.new_row ELSE met.old_row END
            """),
        PGCommand(
            "redirects.rekey.sync_conflicts",
            """
            UPDATE sync_conflicts c SET title_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND c.title_id = m.from_id AND c.winner IS NULL
            """),
        PGCommand(
            "redirects.rekey.remote_titles",
            """
            UPDATE remote_titles t SET title_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND t.title_id = m.from_id
            """),
        PGCommand(
            "redirects.rekey.import_items",
            """
            UPDATE import_items i SET title_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND i.title_id = m.from_id
            """),
        PGCommand(
            "redirects.rekey.import_items_series",
            """
            UPDATE import_items i SET series_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND i.series_id = m.from_id
            """),
        PGCommand(
            "redirects.rekey.match_overrides",
            """
            UPDATE match_overrides o SET title_id = m.to_id FROM merged_titles m
            WHERE m.from_id = ANY ($1) AND o.title_id = m.from_id
            """),
    ]

    /// Takes the same values as `joinPlays` and runs before it. What was agreed on about a play that goes is now about
    /// the play that stays, unless that has its own. Not used if a person moved a play onto another: then the other
    /// side is told to remove it.
    static let joinBase = PGCommand(
        "plays.join.base",
        """
        UPDATE sync_base b SET item_id = p.stays FROM (
            SELECT DISTINCT ON (p.user_id, g.provider, p.stays) p.user_id, g.provider, p.gone, p.stays
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
                JOIN sync_base g ON g.user_id = p.user_id AND g.facet = 'history' AND g.item_id = p.gone
            WHERE NOT EXISTS (SELECT FROM sync_base s WHERE s.user_id = p.user_id AND s.provider = g.provider
                AND s.facet = 'history' AND s.item_id = p.stays)
            ORDER BY p.user_id, g.provider, p.stays, p.gone
        ) p
        WHERE b.user_id = p.user_id AND b.provider = p.provider AND b.facet = 'history' AND b.item_id = p.gone
        """)

    /// Makes what refers to plays that are merged into others refer to the ones that stay: `$1` are people, `$2` their
    /// plays that go, `$3` the plays that stay. Finally deletes the plays that go.
    static let joinPlays: [PGCommand] = [
        PGCommand(
            "plays.join.roads",
            """
            UPDATE play_sources s SET play_id = p.stays
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
            WHERE s.user_id = p.user_id AND s.play_id = p.gone
            """),
        // The last note of those that go, if the one that stays has none.
        PGCommand(
            "plays.join.notes",
            """
            UPDATE play_notes n SET play_id = p.stays FROM (
                SELECT DISTINCT ON (p.user_id, p.stays) p.user_id, p.gone, p.stays
                FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
                    JOIN play_notes g ON g.user_id = p.user_id AND g.play_id = p.gone
                WHERE NOT EXISTS (SELECT FROM play_notes s WHERE s.user_id = p.user_id AND s.play_id = p.stays)
                ORDER BY p.user_id, p.stays, g.changed_at DESC, p.gone
            ) p
            WHERE n.user_id = p.user_id AND n.play_id = p.gone
            """),
        PGCommand(
            "plays.join.sittings",
            """
            UPDATE playback_sessions s SET play_id = p.stays
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
            WHERE s.user_id = p.user_id AND s.play_id = p.gone
            """),
        PGCommand(
            "plays.join.deliveries",
            """
            UPDATE hook_deliveries d SET play_ids = ARRAY(
                SELECT DISTINCT coalesce(p.stays, named.play_id) FROM unnest(d.play_ids) AS named (play_id)
                    LEFT JOIN unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
                        ON p.user_id = d.user_id AND p.gone = named.play_id)
            WHERE d.user_id = ANY ($1) AND d.play_ids && $2
            """),
        // To a batch that created the play that goes, the one that stays already existed: the batch only reported it.
        PGCommand(
            "plays.join.batches",
            """
            INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id, before, fate)
            SELECT c.user_id, c.batch_id, c.facet, c.list_id, p.stays, to_jsonb(s), c.fate
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
                JOIN batch_changes c ON c.user_id = p.user_id AND c.facet = 'play' AND c.item_id = p.gone
                JOIN plays s ON s.user_id = p.user_id AND s.id = p.stays
            ON CONFLICT DO NOTHING
            """),
        PGCommand(
            "plays.join.batchesGone",
            """
            DELETE FROM batch_changes c
            USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS p (user_id, gone, stays)
            WHERE c.user_id = p.user_id AND c.facet = 'play' AND c.item_id = p.gone
            """),
        PGCommand(
            "plays.join.drop",
            """
            DELETE FROM plays p USING unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS g (user_id, gone, stays)
            WHERE p.user_id = g.user_id AND p.id = g.gone
            """),
    ]
}
