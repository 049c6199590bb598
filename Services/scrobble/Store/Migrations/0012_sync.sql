-- Syncs: what both sides agreed on, runs with their plans and outcomes, conflicts.
CREATE TABLE sync_base (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    facet text NOT NULL CHECK (facet IN ('history', 'ratings', 'watchlist', 'collection', 'progress')),
    -- The title, or in the history the play.
    item_id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'series', 'season', 'episode')),
    -- What both have, as the other side can hold it; null where both agreed that it is gone.
    value text,
    -- In the history, the number of their row; null until a reading shows it.
    their_id bigint,
    -- Our last write over there, and what they had before: a reading may lag behind it.
    written_at timestamptz,
    was text,
    is_let_go boolean NOT NULL DEFAULT false,
    is_apart boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, provider, facet, item_id)
);

CREATE TABLE sync_runs (
    user_id uuid NOT NULL,
    -- Also the batch of everything that the run changes.
    id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('trakt', 'simkl')),
    is_dry boolean NOT NULL,
    -- waiting → reading → applying → done; held: done, but for removals that wait for a word; failed: nothing was planned
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'reading', 'applying', 'done', 'held', 'failed')),
    reason text,
    -- The held run whose removals its person has confirmed.
    confirms uuid,
    -- What was held back, so that a confirmation means these removals and no others.
    held_digest bytea,
    calls integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (user_id, id)
);
-- One run of a connection at a time.
CREATE UNIQUE INDEX sync_runs_open ON sync_runs (user_id, provider) WHERE state IN ('waiting', 'reading', 'applying');
CREATE INDEX sync_runs_due ON sync_runs (held_until) WHERE state IN ('waiting', 'reading', 'applying');
CREATE INDEX sync_runs_by_time ON sync_runs (user_id, created_at DESC, id DESC);

CREATE TABLE sync_changes (
    user_id uuid NOT NULL,
    run_id uuid NOT NULL,
    position integer NOT NULL,
    facet text NOT NULL,
    side text NOT NULL CHECK (side IN ('ours', 'theirs')),
    title_id uuid NOT NULL,
    kind text NOT NULL,
    play_id uuid,
    their_id bigint,
    was text,
    -- Null: it is removed.
    becomes text,
    -- When it came to be, as the side says that has it.
    at timestamptz,
    -- planned → done, skipped or failed; theirs are queued in between. held: the brake; dry: nothing is done
    state text NOT NULL CHECK (state IN ('planned', 'queued', 'done', 'skipped', 'failed', 'held', 'dry', 'undone')),
    reason text,
    job_id uuid,
    PRIMARY KEY (user_id, run_id, position)
);
CREATE INDEX sync_changes_queued ON sync_changes (user_id, job_id) WHERE state = 'queued';
CREATE INDEX sync_changes_failed ON sync_changes (user_id, facet, title_id) WHERE state = 'failed';

CREATE TABLE sync_conflicts (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL,
    facet text NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL,
    base text,
    ours text NOT NULL,
    theirs text NOT NULL,
    -- Whose value stays; null while its person is asked.
    winner text CHECK (winner IN ('ours', 'theirs')),
    run_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    resolved_at timestamptz,
    PRIMARY KEY (user_id, id)
);
-- An open conflict is listed once, however often it is met.
CREATE UNIQUE INDEX sync_conflicts_open ON sync_conflicts (user_id, provider, facet, title_id) WHERE winner IS NULL;
CREATE INDEX sync_conflicts_by_time ON sync_conflicts (user_id, created_at DESC, id DESC);

-- Up to where a facet was read: what the other side said of its last changes, and ours.
CREATE TABLE sync_places (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    facet text NOT NULL,
    stamps text NOT NULL,
    our_version bigint NOT NULL,
    whole_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider, facet)
);

-- Which title a number of Trakt's means; the same for everybody.
CREATE TABLE trakt_titles (
    kind text NOT NULL,
    trakt_id bigint NOT NULL,
    title_id uuid NOT NULL,
    PRIMARY KEY (kind, trakt_id)
);

-- Calls that an account may still make; refilled by the clock of the database, shared by all replicas.
CREATE TABLE rate_buckets (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    tokens double precision NOT NULL,
    refilled_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider)
);

CREATE TRIGGER sync_base_of_deleted_people AFTER INSERT ON sync_base
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER sync_runs_of_deleted_people AFTER INSERT ON sync_runs
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER sync_changes_of_deleted_people AFTER INSERT ON sync_changes
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER sync_conflicts_of_deleted_people AFTER INSERT ON sync_conflicts
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER sync_places_of_deleted_people AFTER INSERT ON sync_places
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER rate_buckets_of_deleted_people AFTER INSERT ON rate_buckets
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
