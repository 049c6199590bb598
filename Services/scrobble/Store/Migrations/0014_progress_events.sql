-- Imports and syncs tell how far they are: each new state, and within one every twentieth of the titles.
CREATE FUNCTION tell_of_new_imports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'import', jsonb_build_object('import', jsonb_build_object(
        'id', id, 'state', state, 'row_count', row_count, 'title_count', title_count, 'done_count', done_count))
    FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER imports_begun AFTER INSERT ON imports
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_new_imports();

CREATE FUNCTION tell_of_moved_imports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT w.user_id, 'import', jsonb_build_object('import', jsonb_strip_nulls(jsonb_build_object(
        'id', w.id, 'state', w.state, 'row_count', w.row_count, 'title_count', w.title_count,
        'done_count', w.done_count, 'problem', nullif(left(w.problem, 500), ''))))
    FROM written w JOIN before b ON b.user_id = w.user_id AND b.id = w.id
    WHERE w.state <> b.state
        OR w.done_count * 20 / greatest(w.title_count, 1) <> b.done_count * 20 / greatest(b.title_count, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER imports_moved AFTER UPDATE ON imports
    REFERENCING NEW TABLE AS written OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION tell_of_moved_imports();

CREATE FUNCTION tell_of_new_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'sync', jsonb_build_object('sync', jsonb_build_object(
        'id', id, 'provider', provider, 'is_dry_run', is_dry, 'state', state))
    FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER sync_runs_begun AFTER INSERT ON sync_runs
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_new_runs();

CREATE FUNCTION tell_of_moved_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT w.user_id, 'sync', jsonb_build_object('sync', jsonb_strip_nulls(jsonb_build_object(
        'id', w.id, 'provider', w.provider, 'is_dry_run', w.is_dry, 'state', w.state, 'reason', left(w.reason, 500))))
    FROM written w JOIN before b ON b.user_id = w.user_id AND b.id = w.id
    WHERE w.state <> b.state;
    RETURN NULL;
END $$;
CREATE TRIGGER sync_runs_moved AFTER UPDATE ON sync_runs
    REFERENCING NEW TABLE AS written OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION tell_of_moved_runs();
