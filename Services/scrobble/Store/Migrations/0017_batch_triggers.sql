-- The triggers that keep what a batch changes, one pair for each table with its own columns: reading every row as JSON to find
-- the names of its columns took a good part of the time in which plays are written.
DO $$
DECLARE
    ledger record;
BEGIN
    FOR ledger IN SELECT named.name, named.facet, named.item, named.list FROM (VALUES
        ('plays', 'play', 'id', NULL), ('watchlist_items', 'watchlist', 'title_id', NULL),
        ('collection_items', 'collection', 'title_id', NULL), ('likes', 'like', 'title_id', NULL),
        ('watch_progress', 'progress', 'title_id', NULL), ('lists', 'list', 'id', NULL),
        ('list_items', 'list_item', 'title_id', 'list_id')) AS named (name, facet, item, list)
    LOOP
        EXECUTE format('DROP TRIGGER %1$s_of_batches_made ON %1$s', ledger.name);
        EXECUTE format('DROP TRIGGER %1$s_of_batches_changed ON %1$s', ledger.name);
        EXECUTE format(
            'CREATE FUNCTION keep_inserts_of_%1$s() RETURNS trigger LANGUAGE plpgsql AS $keep$
            BEGIN
                INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id)
                SELECT w.user_id, w.batch_id, %2$L, %3$s, w.%4$I FROM written w WHERE w.batch_id IS NOT NULL
                ON CONFLICT DO NOTHING;
                RETURN NULL;
            END $keep$',
            ledger.name, ledger.facet,
            coalesce('w.' || ledger.list, '''00000000-0000-0000-0000-000000000000''::uuid'), ledger.item);
        EXECUTE format(
            'CREATE FUNCTION keep_updates_of_%1$s() RETURNS trigger LANGUAGE plpgsql AS $keep$
            BEGIN
                INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id, before)
                SELECT w.user_id, w.batch_id, %2$L, %3$s, w.%4$I, to_jsonb(r)
                FROM written w JOIN replaced r ON r.user_id = w.user_id AND r.%4$I = w.%4$I %5$s
                WHERE w.batch_id IS NOT NULL AND w.batch_id IS DISTINCT FROM r.batch_id
                ON CONFLICT DO NOTHING;
                RETURN NULL;
            END $keep$',
            ledger.name, ledger.facet,
            coalesce('w.' || ledger.list, '''00000000-0000-0000-0000-000000000000''::uuid'), ledger.item,
            CASE WHEN ledger.list IS NULL THEN '' ELSE format('AND r.%1$I = w.%1$I', ledger.list) END);
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_batches_made AFTER INSERT ON %1$s REFERENCING NEW TABLE AS written
                FOR EACH STATEMENT EXECUTE FUNCTION keep_inserts_of_%1$s()', ledger.name);
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_batches_changed AFTER UPDATE ON %1$s
                REFERENCING NEW TABLE AS written OLD TABLE AS replaced
                FOR EACH STATEMENT EXECUTE FUNCTION keep_updates_of_%1$s()', ledger.name);
    END LOOP;
END $$;
DROP FUNCTION keep_batch_inserts();
DROP FUNCTION keep_batch_updates();

-- A play as the contract has it, from the row that was written: looking it up in `plays` again cost a read of the whole table
-- wherever the plan was made while that was small.
CREATE FUNCTION play_told(
    id uuid, title uuid, kind text, watched_at timestamptz, watched_on date, "precision" text, percent double precision
) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'id', $1, 'title', $2, 'kind', $3, 'watched_at', $4, 'watched_on', $5, 'precision', $6, 'percent', $7))
$$;

CREATE OR REPLACE FUNCTION tell_of_new_plays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'history', jsonb_build_object('history', jsonb_build_object('happened', 'added', 'count', count(*)))
    FROM written GROUP BY user_id HAVING count(*) > events_told_singly();
    INSERT INTO events (user_id, kind, body)
    SELECT w.user_id, 'history', jsonb_build_object('history', jsonb_build_object(
        'happened', 'added', 'count', 1, 'play',
        play_told(w.id, w.title_id, w.kind, w.watched_at, w.watched_on, w.precision, w.percent)))
    FROM written w
    WHERE w.user_id IN (SELECT user_id FROM written GROUP BY user_id HAVING count(*) <= events_told_singly());
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tell_of_changed_plays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS (
        SELECT w.user_id, w.id, w.title_id, w.kind, w.watched_at, w.watched_on, w.precision, w.percent,
            CASE WHEN w.removed_at IS NULL THEN 'restored' ELSE 'removed' END AS happened
        FROM written w JOIN before b ON b.user_id = w.user_id AND b.id = w.id
        WHERE (w.removed_at IS NULL) <> (b.removed_at IS NULL)
    ), counted AS (
        SELECT user_id, happened, count(*) AS amount FROM changed GROUP BY user_id, happened
    )
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'history', jsonb_build_object('history', jsonb_build_object('happened', happened, 'count', amount))
    FROM counted WHERE amount > events_told_singly()
    UNION ALL
    SELECT c.user_id, 'history', jsonb_build_object('history', jsonb_build_object(
        'happened', c.happened, 'count', 1, 'play',
        play_told(c.id, c.title_id, c.kind, c.watched_at, c.watched_on, c.precision, c.percent)))
    FROM changed c JOIN counted USING (user_id, happened)
    WHERE amount <= events_told_singly();
    RETURN NULL;
END $$;
DROP FUNCTION play_told(plays);
