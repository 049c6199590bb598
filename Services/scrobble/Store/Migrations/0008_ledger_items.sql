-- The rest of a person's ledger: watchlist, collection, likes, lists, progress, and the batches by which it is written.
--
-- Every row tells by which road it came (`source`) and which batch wrote it last (`batch_id`, NULL for a person's own
-- click). What is removed stays as a row with `removed_at`, so that the same file or account does not bring it back.

-- What was written together and can be taken back together.
CREATE TABLE batches (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    source text NOT NULL,
    label text,
    -- planned → applying → applied → undoing → undone; planned → undone where nothing was written.
    state text NOT NULL CHECK (state IN ('planned', 'applying', 'applied', 'undoing', 'undone')),
    -- How many items of each facet came to which outcome.
    counts jsonb NOT NULL DEFAULT '{}',
    -- What the undoing is called where a batch has an undoing of its own, such as in ratings.
    undo_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    applied_at timestamptz,
    undone_at timestamptz,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX batches_by_time ON batches (user_id, created_at DESC, id DESC);

-- What each item was before a batch touched it first; NULL where it was not there. The triggers below write it, so that
-- no writer of the ledger can forget it.
CREATE TABLE batch_changes (
    user_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    facet text NOT NULL
        CHECK (facet IN ('play', 'watchlist', 'collection', 'like', 'progress', 'list', 'list_item')),
    -- The list of a list's item; the nil id for everything else.
    list_id uuid NOT NULL,
    item_id uuid NOT NULL,
    before jsonb,
    -- What the undoing came to: put back, or left because it was edited since.
    fate text CHECK (fate IN ('restored', 'kept')),
    PRIMARY KEY (user_id, batch_id, facet, list_id, item_id)
);

CREATE TABLE watchlist_items (
    user_id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'series', 'season', 'episode')),
    added_at timestamptz NOT NULL,
    note text,
    source text NOT NULL,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX watchlist_items_by_time ON watchlist_items (user_id, added_at DESC, title_id DESC) WHERE removed_at IS NULL;

CREATE TABLE collection_items (
    user_id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'series', 'season', 'episode')),
    -- When it was collected.
    added_at timestamptz NOT NULL,
    media_type text,
    resolution text,
    hdr text,
    audio text,
    audio_channels text,
    is_3d boolean,
    source text NOT NULL,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX collection_items_by_time ON collection_items (user_id, added_at DESC, title_id DESC)
    WHERE removed_at IS NULL;

CREATE TABLE likes (
    user_id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'series', 'season', 'episode')),
    added_at timestamptz NOT NULL,
    source text NOT NULL,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX likes_by_time ON likes (user_id, added_at DESC, title_id DESC) WHERE removed_at IS NULL;

-- How far a person got with what was not watched to its end.
CREATE TABLE watch_progress (
    user_id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'episode')),
    -- When the person got there.
    added_at timestamptz NOT NULL,
    percent double precision NOT NULL CHECK (percent BETWEEN 0 AND 100),
    source text NOT NULL,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (user_id, title_id)
);
CREATE INDEX watch_progress_by_time ON watch_progress (user_id, added_at DESC, title_id DESC) WHERE removed_at IS NULL;

CREATE TABLE lists (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text,
    is_ranked boolean NOT NULL,
    created_at timestamptz NOT NULL,
    source text NOT NULL,
    -- What the list is called where it came from; the same list does not come twice.
    source_key text,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX lists_by_time ON lists (user_id, created_at DESC, id DESC) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX lists_by_source ON lists (user_id, source, source_key) WHERE source_key IS NOT NULL;

CREATE TABLE list_items (
    user_id uuid NOT NULL,
    list_id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'series', 'season', 'episode')),
    -- The order of the list, from 1; gaps are allowed.
    rank integer NOT NULL,
    note text,
    added_at timestamptz NOT NULL,
    source text NOT NULL,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (user_id, list_id, title_id),
    FOREIGN KEY (user_id, list_id) REFERENCES lists (user_id, id) ON DELETE CASCADE
);
CREATE INDEX list_items_by_rank ON list_items (user_id, list_id, rank, title_id) WHERE removed_at IS NULL;

-- By which batch a play was told by a road, and whether that told when; the series of an episode, so that a person's shows
-- are found without asking.
ALTER TABLE play_sources
    ADD COLUMN batch_id uuid,
    ADD COLUMN is_dated boolean NOT NULL DEFAULT true;
UPDATE play_sources s SET is_dated = false FROM plays p
WHERE p.user_id = s.user_id AND p.id = s.play_id AND p.precision = 'unknown';
CREATE INDEX play_sources_by_batch ON play_sources (user_id, batch_id) WHERE batch_id IS NOT NULL;
ALTER TABLE plays ADD COLUMN series_id uuid;
CREATE INDEX plays_by_series ON plays (user_id, series_id, listed_at DESC, title_id)
    WHERE series_id IS NOT NULL AND removed_at IS NULL;
CREATE INDEX plays_without_series ON plays (title_id) WHERE kind = 'episode' AND series_id IS NULL;

-- Whose rows a merged title is in; that of plays also serves the plays of a person.
DROP INDEX plays_by_title;
CREATE INDEX plays_of_title ON plays (title_id, user_id);
CREATE INDEX watchlist_items_of_title ON watchlist_items (title_id);
CREATE INDEX collection_items_of_title ON collection_items (title_id);
CREATE INDEX likes_of_title ON likes (title_id);
CREATE INDEX watch_progress_of_title ON watch_progress (title_id);
CREATE INDEX list_items_of_title ON list_items (title_id);
CREATE INDEX playback_sessions_of_title ON playback_sessions (title_id);

-- What metadata says of titles, as far as rules about plays need it. Nobody's own; may be thrown away at any time.
CREATE TABLE title_refs (
    title_id uuid PRIMARY KEY,
    kind text NOT NULL,
    series_id uuid,
    season_number integer,
    episode_number integer,
    released_on date,
    runtime_minutes integer,
    fetched_at timestamptz NOT NULL
);
CREATE INDEX title_refs_of_series ON title_refs (series_id, season_number, episode_number);

-- Series of which somebody watched something, and when their episodes were last taken over into title_refs.
CREATE TABLE series_refs (
    series_id uuid PRIMARY KEY,
    episodes_at timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX series_refs_by_age ON series_refs (episodes_at);

-- Titles that were merged into others, never a chain; and how far metadata's feed of them was read.
CREATE TABLE merged_titles (
    from_id uuid PRIMARY KEY,
    to_id uuid NOT NULL CHECK (to_id <> from_id)
);
CREATE INDEX merged_titles_by_target ON merged_titles (to_id);
CREATE TABLE feed_places (
    feed text PRIMARY KEY,
    place bigint NOT NULL
);

-- Arguments: the facet, the column that names the item, and the column that names its list.
CREATE FUNCTION keep_batch_inserts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id)
    SELECT w.user_id, w.batch_id, TG_ARGV[0],
        coalesce((to_jsonb(w) ->> TG_ARGV[2])::uuid, '00000000-0000-0000-0000-000000000000'),
        (to_jsonb(w) ->> TG_ARGV[1])::uuid
    FROM written w WHERE w.batch_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE FUNCTION keep_batch_updates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batch_changes (user_id, batch_id, facet, list_id, item_id, before)
    SELECT w.user_id, w.batch_id, TG_ARGV[0],
        coalesce((to_jsonb(w) ->> TG_ARGV[2])::uuid, '00000000-0000-0000-0000-000000000000'),
        (to_jsonb(w) ->> TG_ARGV[1])::uuid, to_jsonb(r)
    FROM written w JOIN replaced r
        ON r.user_id = w.user_id AND to_jsonb(r) ->> TG_ARGV[1] = to_jsonb(w) ->> TG_ARGV[1]
        AND to_jsonb(r) ->> TG_ARGV[2] IS NOT DISTINCT FROM to_jsonb(w) ->> TG_ARGV[2]
    WHERE w.batch_id IS NOT NULL AND w.batch_id IS DISTINCT FROM r.batch_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

DO $$
DECLARE
    ledger record;
BEGIN
    FOR ledger IN SELECT named.name, named.facet FROM (VALUES
        ('plays', '''play'', ''id'''), ('watchlist_items', '''watchlist'', ''title_id'''),
        ('collection_items', '''collection'', ''title_id'''), ('likes', '''like'', ''title_id'''),
        ('watch_progress', '''progress'', ''title_id'''), ('lists', '''list'', ''id'''),
        ('list_items', '''list_item'', ''title_id'', ''list_id''')) AS named (name, facet)
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_batches_made AFTER INSERT ON %1$s REFERENCING NEW TABLE AS written
                FOR EACH STATEMENT EXECUTE FUNCTION keep_batch_inserts(%2$s)', ledger.name, ledger.facet);
        EXECUTE format(
            'CREATE TRIGGER %1$s_of_batches_changed AFTER UPDATE ON %1$s
                REFERENCING NEW TABLE AS written OLD TABLE AS replaced
                FOR EACH STATEMENT EXECUTE FUNCTION keep_batch_updates(%2$s)', ledger.name, ledger.facet);
    END LOOP;
END $$;

CREATE TRIGGER batches_of_deleted_people AFTER INSERT ON batches
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER watchlist_items_of_deleted_people AFTER INSERT ON watchlist_items
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER collection_items_of_deleted_people AFTER INSERT ON collection_items
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER likes_of_deleted_people AFTER INSERT ON likes
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER watch_progress_of_deleted_people AFTER INSERT ON watch_progress
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER lists_of_deleted_people AFTER INSERT ON lists
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- Everything is off until its person switches it on.
ALTER TABLE scrobble_connections
    ALTER COLUMN sync_ratings SET DEFAULT false,
    ALTER COLUMN sync_watch_status SET DEFAULT false,
    ALTER COLUMN sync_library SET DEFAULT false;
