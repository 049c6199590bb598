-- When all was told of where the rows of an import that rests stand: it is so as long as this is when the import changed last. A
-- copy of the version before changes verdicts, and the import after them, and leaves this as it is. Rows are read before anybody
-- has to wait; what changed meanwhile stands as not told as a whole.
INSERT INTO import_spans (user_id, import_id, verdict, span)
SELECT DISTINCT r.user_id, r.import_id, r.verdict, r.place / 256
FROM import_rows r JOIN imports i ON i.user_id = r.user_id AND i.id = r.import_id
WHERE i.state IN ('ready', 'applied') AND r.verdict IS NOT NULL
ON CONFLICT DO NOTHING;

ALTER TABLE imports ADD COLUMN spans_at timestamptz;
UPDATE imports SET spans_at = updated_at
WHERE state IN ('ready', 'applied') AND updated_at < now() - interval '5 minutes';
