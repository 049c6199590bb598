-- A sitting of which nothing more is heard: it ends as a play at `expires_at`.
ALTER TABLE playback_sessions ADD COLUMN is_check_in boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION tell_of_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'playback', jsonb_build_object('playback', jsonb_strip_nulls(jsonb_build_object(
        'id', id, 'title', title_id, 'state', state, 'progress_percent', progress_percent, 'started_at', started_at,
        'updated_at', updated_at, 'play', play_id,
        'ends_at', CASE WHEN is_check_in AND state = 'playing' THEN expires_at END)))
    FROM written;
    RETURN NULL;
END $$;
