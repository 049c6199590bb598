-- The last good item of a title counts: one that is refused does not stand in the way of one before it.
DO $$
DECLARE
    definition constant text := pg_get_functiondef('change_ratings'::regproc);
    last constant text := 'i.place < max(i.place) OVER (';
BEGIN
    IF position(last IN definition) = 0 THEN RAISE EXCEPTION 'change_ratings is not what this migration knows'; END IF;
    EXECUTE replace(definition, last, 'i.place < max(i.place) FILTER (WHERE i.refusal IS NULL) OVER (');
END $$;
