-- When all was told of where the rows of an import that rests stand: it is so as long as this is when the import changed last. A
-- copy of the version before changes verdicts, and the import after them, and leaves this as it is.
ALTER TABLE imports ADD COLUMN spans_at timestamptz;

INSERT INTO import_spans (user_id, import_id, verdict, span)
SELECT DISTINCT r.user_id, r.import_id, r.verdict, r.place / 256
FROM import_rows r JOIN imports i ON i.user_id = r.user_id AND i.id = r.import_id
WHERE i.state IN ('ready', 'applied') AND r.verdict IS NOT NULL
ON CONFLICT DO NOTHING;
UPDATE imports SET spans_at = updated_at WHERE state IN ('ready', 'applied');
