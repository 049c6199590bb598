import Contracts
import Postgres
import Store

/// The SQL statements for events. The events of a transaction become visible once no earlier one is under way, so that
/// none appears before a place that was already read. `ORDER BY` names the table, because `xid` alone would be the
/// output column, which is text and sorts 1000 before 999.
enum EventQueries {
    static let after = PGStatement(
        "events.after",
        """
        SELECT xid::text, position, user_id, kind, body || jsonb_build_object('at', created_at) FROM events
        WHERE (xid, position) > ($1::text::xid8, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY events.xid, events.position LIMIT $3
        """, row: event)

    static let afterOf = PGStatement(
        "events.afterOf",
        """
        SELECT xid::text, position, user_id, kind, body || jsonb_build_object('at', created_at) FROM events
        WHERE user_id = $4 AND (xid, position) > ($1::text::xid8, $2)
            AND xid < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY events.xid, events.position LIMIT $3
        """, row: event)

    /// The place after everything visible now.
    static let end = PGStatement(
        "events.end", "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
    ) { row throws(PGError) in EventPlace(transaction: try row.next(), position: 0) }

    /// Whether events after a place may have been removed, or the place lies in the future, as one does that dates from
    /// before the database was restored.
    static let isBroken = PGStatement(
        "events.isBroken",
        """
        SELECT $1::text::xid8 < coalesce(
            (SELECT xid FROM events ORDER BY xid, position LIMIT 1), pg_snapshot_xmin(pg_current_snapshot()))
            OR $1::text::xid8 > pg_snapshot_xmax(pg_current_snapshot())
        """
    ) { row throws(PGError) in try row.next(Bool.self) }

    /// The newest event stays however old it is: without one, nobody could tell that nothing was removed after a place.
    static let sweep = PGStatement(
        "events.sweep",
        """
        WITH newest AS MATERIALIZED (
            SELECT xid, position FROM events WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY events.xid DESC, events.position DESC LIMIT 1
        )
        DELETE FROM events e USING (
            SELECT user_id, xid, position FROM events ORDER BY xid, position LIMIT $2
        ) old
        WHERE e.user_id = old.user_id AND e.xid = old.xid AND e.position = old.position
            AND e.created_at < now() - $1 * interval '1 second'
            AND NOT EXISTS (SELECT FROM newest n WHERE n.xid = e.xid AND n.position = e.position)
        RETURNING true
        """, kind: .write
    ) { row throws(PGError) in try row.next(Bool.self) }

    @Sendable private static func event(_ row: inout PGRowReader) throws(PGError) -> FeedEvent {
        let place = EventPlace(transaction: try row.next(), position: try row.next())
        return FeedEvent(
            place: place.text, user: try row.next(), kind: try row.next(), event: try row.nextJSON())
    }
}
