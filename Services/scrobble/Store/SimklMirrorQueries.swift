import Contracts
import JSON
import Postgres
import Store

/// The SQL statements for the copies of Simkl libraries.
enum SimklMirrorQueries {
    static let stamps = PGStatement(
        "simkl.stamps", "SELECT stamps FROM simkl_places WHERE user_id = $1"
    ) { row throws(PGError) in
        let text: String = try row.next()
        return (try? decodeJSON(JSONValue.self, from: Array(text.utf8))).flatMap { SimklStamps(stored: $0) }
    }

    static let items = PGStatement(
        "simkl.items",
        """
        SELECT grouped, simkl_id, body, is_gone FROM simkl_items WHERE user_id = $1 AND grouped = ANY ($2)
        ORDER BY simkl_id
        """
    ) { row throws(PGError) in
        let (group, simkl): (String, Int64) = (try row.next(), try row.next())
        let (text, isGone): (String, Bool) = (try row.next(), try row.next())
        let body = try? decodeJSON(JSONValue.self, from: Array(text.utf8), limits: .simklLibrary)
        return SimklRows.Item(group: group, simkl: simkl, row: body ?? .null, isGone: isGone)
    }

    static let numbers = PGStatement(
        "simkl.numbers", "SELECT simkl_id FROM simkl_items WHERE user_id = $1 AND grouped = $2 AND NOT is_gone"
    ) { row throws(PGError) in try row.next(Int64.self) }

    /// Of two rows of one item, the later one wins.
    static let put = PGCommand(
        "simkl.put",
        """
        INSERT INTO simkl_items (user_id, simkl_id, grouped, body)
        SELECT DISTINCT ON (simkl_id) $1, simkl_id, grouped, body
        FROM unnest($2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS i (simkl_id, grouped, body, place)
        ORDER BY simkl_id, place DESC
        ON CONFLICT (user_id, simkl_id) DO UPDATE SET
            grouped = excluded.grouped, body = excluded.body, is_gone = false
        """)

    /// Also restores items, if a list of numbers was too short before.
    static let setGone = PGCommand(
        "simkl.setGone",
        """
        UPDATE simkl_items SET is_gone = NOT simkl_id = ANY ($3::bigint[])
        WHERE user_id = $1 AND grouped = $2 AND is_gone = (simkl_id = ANY ($3::bigint[]))
        """)

    /// Marks what we removed there as gone: an answer without it may look empty.
    static let drop = PGCommand(
        "simkl.drop",
        "UPDATE simkl_items SET is_gone = true WHERE user_id = $1 AND simkl_id = ANY ($2) AND NOT is_gone")

    static let setStamps = PGCommand(
        "simkl.setStamps",
        """
        INSERT INTO simkl_places (user_id, stamps) VALUES ($1, $2)
        ON CONFLICT (user_id) DO UPDATE SET stamps = excluded.stamps
        """)

    /// When we rated titles there.
    static let ratedThere = PGStatement(
        "simkl.ratedThere",
        """
        SELECT media_id, finished_at FROM queue_outcomes
        WHERE user_id = $1 AND provider = $2 AND outcome = 'done' AND action = 'rate'
        """
    ) { row throws(PGError) in (title: try row.next(TitleID.self), at: try row.next(Timestamp.self)) }

    /// The titles that have been watched here, themselves or by an episode.
    static let watchedHere = PGStatement(
        "simkl.watchedHere",
        """
        SELECT t.id FROM unnest($2::uuid[]) AS t (id)
        WHERE EXISTS (SELECT FROM plays p WHERE p.user_id = $1 AND p.title_id = t.id AND p.removed_at IS NULL)
            OR EXISTS (SELECT FROM plays p WHERE p.user_id = $1 AND p.series_id = t.id AND p.removed_at IS NULL)
        """
    ) { row throws(PGError) in try row.next(TitleID.self) }

    /// Nothing is known of another account.
    static let forget = [
        PGCommand("simkl.forgetItems", "DELETE FROM simkl_items WHERE user_id = $1"),
        PGCommand("simkl.forgetPlaces", "DELETE FROM simkl_places WHERE user_id = $1"),
    ]
}
