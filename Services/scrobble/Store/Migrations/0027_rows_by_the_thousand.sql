-- Rows of imports and roads of plays come by the hundred thousand, and a foreign key asks for each of them alone: two fifths
-- of the time that a row took, a third of that of a road. Whoever writes them holds what they belong to anyway: the import by
-- its fence or its person's lock, the play by the lock of the ledger. What goes takes them along in one statement.
-- In the order in which writers come by them.
LOCK TABLE imports, import_items, import_rows, plays, play_sources IN ACCESS EXCLUSIVE MODE;
ALTER TABLE import_rows DROP CONSTRAINT import_rows_user_id_import_id_fkey;
ALTER TABLE import_items DROP CONSTRAINT import_items_user_id_import_id_fkey;
ALTER TABLE play_sources DROP CONSTRAINT play_sources_user_id_play_id_fkey;
CREATE TRIGGER play_sources_of_deleted_people AFTER INSERT ON play_sources
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

CREATE FUNCTION drop_roads_of_plays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM play_sources s USING gone g WHERE s.user_id = g.user_id AND s.play_id = g.id;
    RETURN NULL;
END $$;
CREATE TRIGGER plays_gone AFTER DELETE ON plays
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION drop_roads_of_plays();

CREATE FUNCTION drop_rows_of_imports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM import_rows r USING gone g WHERE r.user_id = g.user_id AND r.import_id = g.id;
    DELETE FROM import_items i USING gone g WHERE i.user_id = g.user_id AND i.import_id = g.id;
    RETURN NULL;
END $$;
CREATE TRIGGER imports_gone AFTER DELETE ON imports
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION drop_rows_of_imports();

-- A road is known by its name and key alone. Those of a batch are looked for by their plays.
ALTER TABLE play_sources DROP CONSTRAINT play_sources_pkey;
DROP INDEX play_sources_by_batch;
ALTER TABLE play_sources ADD PRIMARY KEY USING INDEX play_sources_by_key;
CREATE INDEX play_sources_of_play ON play_sources (user_id, play_id);

-- A play that is written has a new id, and so is new to its batch: asking for a conflict took four tenths of the time of
-- keeping it.
CREATE OR REPLACE FUNCTION keep_inserts_of_plays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id)
    SELECT w.user_id, w.batch_id, 'play', '00000000-0000-0000-0000-000000000000', w.id
    FROM written w WHERE w.batch_id IS NOT NULL;
    RETURN NULL;
END $$;

-- Uploads that nobody ended.
CREATE INDEX imports_receiving ON imports (created_at) WHERE state = 'receiving';

-- Which run of the server this is: Postgres empties such a table when it recovers from a crash, or when a standby takes over. Who
-- works with commits that do not wait for the disk asks whether it is still the one that took them.
CREATE UNLOGGED TABLE server_runs (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
