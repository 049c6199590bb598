-- What an undoing has taken away was not removed by its person: a file that is brought in again brings its ratings again. Only
-- a removal of the person's own stands against a file that is older.
DO $$
DECLARE
    definition constant text := pg_get_functiondef('change_ratings'::regproc);
    latest constant text := 'SELECT e.changed_at FROM rating_events e WHERE e.user_id = k.user_id AND e.media_id = k.media_id';
BEGIN
    IF position(latest IN definition) = 0 THEN RAISE EXCEPTION 'change_ratings is not what this migration knows'; END IF;
    EXECUTE replace(definition, latest, latest || ' AND e.rating IS NULL AND e.source <> ''undo''');
END $$;
