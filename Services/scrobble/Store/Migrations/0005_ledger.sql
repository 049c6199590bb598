-- A removed play stays, so that the same file does not bring it back; lists leave it out.
ALTER TABLE plays
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN runtime_minutes integer CHECK (runtime_minutes > 0);
DROP INDEX plays_by_time;
CREATE INDEX plays_by_time ON plays (user_id, listed_at DESC, id DESC) WHERE removed_at IS NULL;
