-- What is told of a title stands in its row, but for its ids elsewhere and what was merged into it. The row is written again with
-- these, so that the transaction that wrote it (`xmin`) is a version of all that is told. A row that the same transaction has
-- written already stays.
CREATE FUNCTION touch_titles(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    UPDATE titles t SET updated_at = t.updated_at FROM (SELECT DISTINCT id FROM unnest(ids) AS id) w
    WHERE t.id = w.id AND t.xmin <> pg_current_xact_id()::xid
$$;

CREATE FUNCTION touch_titles_of_ids() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM touch_titles((SELECT array_agg(title_id) FROM written));
    RETURN NULL;
END $$;
CREATE TRIGGER external_ids_made AFTER INSERT ON external_ids
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_ids();
CREATE TRIGGER external_ids_changed AFTER UPDATE ON external_ids
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_ids();
CREATE TRIGGER external_ids_left AFTER UPDATE ON external_ids
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_ids();
CREATE TRIGGER external_ids_removed AFTER DELETE ON external_ids
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_ids();

CREATE FUNCTION touch_titles_of_redirects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM touch_titles((SELECT array_agg(new_id) FROM written));
    RETURN NULL;
END $$;
CREATE TRIGGER title_redirects_made AFTER INSERT ON title_redirects
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_redirects();
CREATE TRIGGER title_redirects_changed AFTER UPDATE ON title_redirects
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_redirects();
CREATE TRIGGER title_redirects_left AFTER UPDATE ON title_redirects
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION touch_titles_of_redirects();
