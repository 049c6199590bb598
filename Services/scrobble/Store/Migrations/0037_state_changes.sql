-- Which transactions changed what titles are to a person: a version of that, since it changes with each of them and with nothing
-- else. Rows instead of a counter: those who write for one person at once would wait for each other at it, and two who write for
-- several in a circle. The triggers write them, so that no writer can forget it; what is old goes by itself.
CREATE TABLE state_changes (
    user_id uuid NOT NULL,
    xid xid8 NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, xid)
);

CREATE FUNCTION note_state_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO state_changes (user_id, xid, changed_at)
    SELECT user_id, pg_current_xact_id(), clock_timestamp() FROM (SELECT DISTINCT user_id FROM written) people
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

DO $$
DECLARE
    ledger text;
BEGIN
    FOREACH ledger IN ARRAY ARRAY['plays', 'watchlist_items', 'collection_items', 'likes', 'watch_progress'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_states_made AFTER INSERT ON %1$s REFERENCING NEW TABLE AS written
                FOR EACH STATEMENT EXECUTE FUNCTION note_state_changes()', ledger);
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_states_changed AFTER UPDATE ON %1$s REFERENCING NEW TABLE AS written
                FOR EACH STATEMENT EXECUTE FUNCTION note_state_changes()', ledger);
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_states_removed AFTER DELETE ON %1$s REFERENCING OLD TABLE AS written
                FOR EACH STATEMENT EXECUTE FUNCTION note_state_changes()', ledger);
    END LOOP;
END $$;
