-- What a person wants of playback.
CREATE TABLE playback_settings (
    user_id uuid PRIMARY KEY,
    play_threshold_percent double precision NOT NULL CHECK (play_threshold_percent BETWEEN 1 AND 100)
);
CREATE TRIGGER playback_settings_of_deleted_people AFTER INSERT ON playback_settings
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- A sitting keeps the threshold that held when it began, and ends by itself when nothing is heard of it any more.
ALTER TABLE playback_sessions
    ADD COLUMN play_threshold_percent double precision NOT NULL DEFAULT 80
        CHECK (play_threshold_percent BETWEEN 1 AND 100),
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN player text;
UPDATE playback_sessions SET expires_at = updated_at + interval '6 hours';
ALTER TABLE playback_sessions ALTER COLUMN expires_at SET NOT NULL;
CREATE INDEX playback_sessions_expiring ON playback_sessions (expires_at) WHERE state <> 'stopped';
CREATE INDEX playback_sessions_now ON playback_sessions (user_id, updated_at DESC) WHERE state <> 'stopped';
