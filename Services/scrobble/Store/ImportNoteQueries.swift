import Contracts
import Postgres
import Store

/// The SQL statements for notes: what was written beside plays.
enum ImportNoteQueries {
    /// SQL for whether the incoming note contains a part.
    private static func tells(_ part: ImportPlan.Note.Parts) -> String { "excluded.parts & \(part.rawValue) <> 0" }

    /// SQL for a column after the incoming note is written.
    private static func merged(_ column: String, _ part: ImportPlan.Note.Parts) -> String {
        "\(column) = CASE WHEN \(tells(part)) THEN excluded.\(column) ELSE n.\(column) END"
    }

    private static func isSame(_ column: String, _ part: ImportPlan.Note.Parts) -> String {
        "(n.\(column) IS NOT DISTINCT FROM excluded.\(column) OR NOT \(tells(part)))"
    }

    /// SQL for whether everything in the incoming note is already stored.
    private static let isSameNote = """
        (\(isSame("is_rewatch", .rewatch)) AND \(isSame("tags", .tags)) AND \(isSame("rating", .rating))
            AND \(isSame("review", .review)) AND \(isSame("is_spoiler", .spoiler)))
        """

    private static let parts = "coalesce(n.parts, \(ImportPlan.Note.Parts.all.rawValue))"

    /// SQL for whether the incoming note repeats the stored one. From the same source it must contain the same parts,
    /// or a note with fewer parts would keep alive what it does not contain. From another source it must be a full note
    /// that repeats one written all at once, because parts from an older state beneath would be undone with that state.
    private static let isRepeated = """
        (\(isSameNote) AND CASE WHEN n.source = excluded.source THEN \(parts) = excluded.parts
            ELSE \(parts) = \(ImportPlan.Note.Parts.all.rawValue)
                AND (n.is_rewatch, n.tags, n.rating, n.review, n.is_spoiler) IS NOT DISTINCT FROM
                    (excluded.is_rewatch, excluded.tags, excluded.rating, excluded.review, excluded.is_spoiler) END)
        """

    /// Writes the parts that a note contains; the rest stays. A note from another source stays. Parts from the same
    /// source are replaced if `$13`, and the previous note is kept for an undo. A batch that repeats a note is recorded
    /// beside it while the note can be undone.
    static let put = PGCommand(
        "imports.putNotes",
        """
        INSERT INTO play_notes AS n
            (user_id, play_id, is_rewatch, tags, rating, review, review_html, is_spoiler, parts, source, batch_id, changed_at)
        SELECT $1, play_id, is_rewatch, ARRAY(SELECT jsonb_array_elements_text(tags)), rating, review, review_html,
            is_spoiler, parts, $10, $11, $12
        FROM unnest($2::uuid[], $3::bool[], $4::jsonb[], $5::numeric[], $6::text[], $7::text[], $8::bool[], $9::int4[])
            AS i (play_id, is_rewatch, tags, rating, review, review_html, is_spoiler, parts)
        ON CONFLICT (user_id, play_id) DO UPDATE SET
            \(merged("is_rewatch", .rewatch)),
            \(merged("tags", .tags)),
            \(merged("rating", .rating)),
            \(merged("review", .review)),
            \(merged("is_spoiler", .spoiler)),
            review_html = CASE WHEN \(isSame("review", .review)) THEN n.review_html ELSE excluded.review_html END,
            parts = CASE WHEN \(isRepeated) THEN n.parts
                WHEN n.batch_id = excluded.batch_id THEN \(parts) | excluded.parts ELSE excluded.parts END,
            batch_id = CASE WHEN \(isRepeated) THEN n.batch_id ELSE excluded.batch_id END,
            also_told = CASE WHEN \(isRepeated) THEN array_append(n.also_told, excluded.batch_id) END,
            before = CASE WHEN NOT \(isRepeated) THEN note_without(to_jsonb(n), excluded.batch_id)
                WHEN n.before IS NOT NULL THEN note_without(n.before, excluded.batch_id) END,
            changed_at = CASE WHEN \(isSameNote) THEN n.changed_at ELSE excluded.changed_at END
        WHERE CASE WHEN \(isRepeated)
            THEN n.batch_id <> excluded.batch_id AND (n.also_told IS NULL OR excluded.batch_id <> ALL (n.also_told))
                AND 1 + coalesce(cardinality(n.also_told), 0) = (SELECT count(*) FROM batches b
                    WHERE b.user_id = n.user_id AND (b.id = n.batch_id OR b.id = ANY (n.also_told))
                        AND b.forgotten_at IS NULL)
            ELSE n.source = excluded.source AND $13
                AND NOT (\(isSameNote) AND n.batch_id IS NOT DISTINCT FROM excluded.batch_id) END
        """)

    /// Undoes what a batch wrote, whether it is the latest state or lies between two others: `before` nests each older
    /// state. Notes that had an earlier state come first, then those that other batches repeated; what remains is the
    /// batch's alone.
    static let undo = [
        PGCommand(
            "imports.putNotesBack",
            """
            UPDATE play_notes n SET
                (is_rewatch, tags, rating, review, review_html, is_spoiler, parts, source, batch_id, also_told, before) = (
                    SELECT b.is_rewatch, b.tags, b.rating, b.review, b.review_html, b.is_spoiler, b.parts, b.source,
                        b.batch_id, b.also_told, b.before
                    FROM jsonb_populate_record(n, coalesce(
                        '{"parts": null}' || note_without(to_jsonb(n), $2), '{"also_told": null, "before": null}')) AS b)
            WHERE user_id = $1 AND before IS NOT NULL AND (
                batch_id = $2 OR $2 = ANY (also_told) OR strpos(before::text, ($2::uuid)::text) > 0)
            """),
        PGCommand(
            "imports.handNotesOver",
            """
            UPDATE play_notes n SET batch_id = also_told[1], also_told = nullif(also_told[2:], '{}'),
                source = coalesce(
                    (SELECT b.source FROM batches b WHERE b.user_id = $1 AND b.id = n.also_told[1]), n.source)
            WHERE user_id = $1 AND batch_id = $2 AND also_told IS NOT NULL
            """),
        PGCommand(
            "imports.forgetTeller",
            """
            UPDATE play_notes SET also_told = nullif(array_remove(also_told, $2), '{}')
            WHERE user_id = $1 AND $2 = ANY (also_told)
            """),
        PGCommand("imports.eraseNotes", "DELETE FROM play_notes WHERE user_id = $1 AND batch_id = $2"),
    ]

    /// The notes of plays, with their sources.
    static let get = PGStatement(
        "imports.notes",
        """
        SELECT play_id, source, is_rewatch, tags, rating, review, review_html, is_spoiler
        FROM play_notes WHERE user_id = $1 AND play_id = ANY ($2)
        """
    ) { row throws(PGError) in
        let (play, source): (PlayID, String) = (try row.next(), try row.next())
        var note = ImportPlan.Note()
        note.isRewatch = try row.next()
        note.tags = try row.next()
        note.rating = try row.next()
        note.review = try row.next()
        note.html = try row.next()
        note.spoiler = try row.next()
        return KnownNote(play: play, source: source, note: note)
    }
}

/// A stored note and its play.
struct KnownNote: Sendable {
    let play: PlayID
    /// The source that wrote it.
    let source: String
    let note: ImportPlan.Note
}
