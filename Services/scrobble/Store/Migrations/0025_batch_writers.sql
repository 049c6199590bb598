-- Who writes into a batch at the moment: its taking back waits for them, and afterwards nobody begins. The time is that of
-- the last of them, in case one has died.
ALTER TABLE batches ADD COLUMN writers integer NOT NULL DEFAULT 0, ADD COLUMN writing_until timestamptz;

-- Batches whose worker died between the end of the import and theirs.
UPDATE batches b SET state = 'applied', applied_at = i.updated_at FROM imports i
WHERE i.user_id = b.user_id AND i.batch_id = b.id AND i.state = 'applied' AND b.state = 'applying';
