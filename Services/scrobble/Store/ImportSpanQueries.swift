import Contracts
import Postgres

/// The SQL statements for spans, which record where in a resting import the rows of each verdict are.
enum ImportSpanQueries {
    /// Places per span; the migration that fills the table uses the same number.
    static let places = 256

    /// Counts the verdicts of an import that comes to rest, and stores their spans.
    static let count = PGStatement(
        "imports.countSpans",
        """
        WITH told AS (
            SELECT verdict, place / \(places) AS span, count(*) AS amount FROM import_rows
            WHERE user_id = $1 AND import_id = $2 AND verdict IS NOT NULL GROUP BY verdict, place / \(places)
        ), kept AS (
            INSERT INTO import_spans (user_id, import_id, verdict, span) SELECT $1, $2, verdict, span FROM told
            ON CONFLICT DO NOTHING
        )
        SELECT verdict, sum(amount)::bigint FROM told GROUP BY verdict
        """, kind: .write
    ) { row throws(PGError) in (verdict: try row.next(ImportVerdict.self), count: try row.next(Int.self)) }

    /// Adds the spans of verdicts that rows got while their import rested.
    static let add = PGCommand(
        "imports.addSpans",
        """
        INSERT INTO import_spans (user_id, import_id, verdict, span)
        SELECT DISTINCT $1::uuid, $2::uuid, verdict, place / \(places)
        FROM unnest($3::int4[], $4::text[]) AS v (place, verdict)
        ON CONFLICT DO NOTHING
        """)

    /// Whether the spans of an import are complete. They are not while it is being worked on, and the previous version
    /// changes verdicts without recording spans.
    static let stand = PGStatement(
        "imports.spansStand",
        """
        SELECT i.state IN ('ready', 'applied') AND coalesce(i.spans_at = i.updated_at, false)
        FROM imports i WHERE i.user_id = $1 AND i.id = $2
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// The spans of one verdict from a given one on, in order.
    static let spans = PGStatement(
        "imports.spans",
        """
        SELECT span FROM import_spans WHERE user_id = $1 AND import_id = $2 AND verdict = $3 AND span >= $4
        ORDER BY span LIMIT $5
        """
    ) { row throws(PGError) in try row.next(Int.self) }

    /// The first rows of one verdict in some spans, after a place. Each span is read by itself, whatever the planner's
    /// statistics say about the table.
    static let rows = PGStatement(
        "imports.rowsOfSpans",
        """
        SELECT r.place, r.row, r.verdict, r.reason, t.title_id
        FROM (
            SELECT r.place, r.row, r.verdict, r.reason, r.item_key FROM unnest($6::int4[]) AS s (span) CROSS JOIN LATERAL (
                SELECT r.place, r.row, r.verdict, r.reason, r.item_key FROM import_rows r
                WHERE r.user_id = $1 AND r.import_id = $2 AND r.place > $3 AND r.verdict = $5
                    AND r.place BETWEEN s.span * \(places) AND s.span * \(places) + \(places - 1)
                ORDER BY r.place LIMIT $4
            ) r ORDER BY r.place LIMIT $4
        ) r LEFT JOIN import_items t ON t.user_id = $1 AND t.import_id = $2 AND t.item_key = r.item_key
        ORDER BY r.place
        """, row: ImportQueries.listed)
}
