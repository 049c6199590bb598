-- Who moves ratings writes too, so they hold the lock on merges as all writers do: a title cannot be merged further while
-- ratings are on their way to it, which nobody would look for there any more.
DO $$
DECLARE
    definition constant text := pg_get_functiondef('move_ratings'::regproc);
    first constant text := 'SELECT array_agg(DISTINCT found.user_id) INTO people';
BEGIN
    IF position(first IN definition) = 0 THEN RAISE EXCEPTION 'move_ratings is not what this migration knows'; END IF;
    EXECUTE replace(definition, first, 'PERFORM pg_advisory_xact_lock_shared(7102);' || E'\n    ' || first);
END $$;
