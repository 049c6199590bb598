-- What a request under an Idempotency-Key was, and what the first of its kind was answered; for a day.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    -- SHA-256 of the method and what it was given.
    request_hash bytea NOT NULL,
    -- NULL while the first request is under way, and where an answer is not kept.
    answer bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CREATE TRIGGER idempotency_keys_of_deleted_people AFTER INSERT ON idempotency_keys
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- What a batch changed is kept for a while only. A batch is forgotten first, then its changes go, portion by portion.
ALTER TABLE batches
    ADD COLUMN forgotten_at timestamptz,
    ADD COLUMN is_swept boolean NOT NULL DEFAULT false;
CREATE INDEX batches_by_age ON batches (created_at) WHERE forgotten_at IS NULL;
CREATE INDEX batches_to_sweep ON batches (user_id, id) WHERE forgotten_at IS NOT NULL AND NOT is_swept;
