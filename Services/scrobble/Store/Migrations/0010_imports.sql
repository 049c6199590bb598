-- Files that people bring: what was sent, what it says row by row, which titles that is about, and how far it has come.
--
-- receiving ─▶ reading ─▶ matching ─▶ judging ─▶ ready ─▶ applying ─▶ applied
--                 │  ▲                              │
--                 ▼  │                              └─▶ cancelled (from every state before applying); failed
--               waiting
CREATE TABLE imports (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    state text NOT NULL DEFAULT 'receiving' CHECK (state IN (
        'receiving', 'reading', 'waiting', 'matching', 'judging', 'ready', 'applying', 'applied', 'cancelled', 'failed')),
    source text,
    time_zone text NOT NULL,
    -- The files that were found, those within archives included, as the contract has them.
    files jsonb NOT NULL DEFAULT '[]',
    -- What the person said that files are, by their path.
    kinds jsonb NOT NULL DEFAULT '{}',
    -- SHA-256 of what was sent.
    digest bytea,
    applies_itself boolean NOT NULL DEFAULT false,
    is_partial boolean NOT NULL DEFAULT false,
    row_count bigint NOT NULL DEFAULT 0,
    title_count bigint NOT NULL DEFAULT 0,
    done_count bigint NOT NULL DEFAULT 0,
    -- The key of the last title that the present state is done with, and the last whose verdicts stand for applying.
    done_key text NOT NULL DEFAULT '',
    judged_key text NOT NULL DEFAULT '',
    -- Rows by verdict, as the contract has it.
    counts jsonb,
    batch_id uuid,
    problem text,
    -- Whoever works it holds `due_at` in the future and the fence; failures in a row decide how long it waits.
    due_at timestamptz NOT NULL DEFAULT 'infinity',
    fence bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    CHECK ((state IN ('applying', 'applied')) <= (batch_id IS NOT NULL))
);
CREATE INDEX imports_by_time ON imports (user_id, created_at DESC, id DESC);
CREATE INDEX imports_due ON imports (due_at) WHERE due_at < 'infinity';
-- The same files are brought in once at a time.
CREATE UNIQUE INDEX imports_active ON imports (user_id, digest)
    WHERE state IN ('reading', 'waiting', 'matching', 'judging', 'ready', 'applying');

-- Files as they are sent, and their pieces, which go when the rows are read.
CREATE TABLE import_files (
    user_id uuid NOT NULL,
    import_id uuid NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    size_bytes bigint NOT NULL,
    PRIMARY KEY (user_id, import_id, number),
    FOREIGN KEY (user_id, import_id) REFERENCES imports (user_id, id) ON DELETE CASCADE
);
CREATE TABLE import_chunks (
    user_id uuid NOT NULL,
    import_id uuid NOT NULL,
    file integer NOT NULL,
    start bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (user_id, import_id, file, start),
    FOREIGN KEY (user_id, import_id) REFERENCES imports (user_id, id) ON DELETE CASCADE
);
ALTER TABLE import_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- The titles that an import speaks of; its rows of one title share the key.
CREATE TABLE import_items (
    user_id uuid NOT NULL,
    import_id uuid NOT NULL,
    item_key text COLLATE "C" NOT NULL,
    -- What is asked of metadata, as the contract has it.
    query jsonb NOT NULL,
    match text NOT NULL DEFAULT 'pending' CHECK (match IN ('pending', 'known', 'unknown', 'ambiguous', 'skipped')),
    title_id uuid,
    title_kind text,
    series_id uuid,
    season_number integer,
    episode_number integer,
    row_count integer NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, import_id, item_key),
    FOREIGN KEY (user_id, import_id) REFERENCES imports (user_id, id) ON DELETE CASCADE,
    CHECK ((match = 'known') = (title_id IS NOT NULL))
);
CREATE INDEX import_items_pending ON import_items (user_id, import_id, item_key) WHERE match = 'pending';

CREATE TABLE import_rows (
    user_id uuid NOT NULL,
    import_id uuid NOT NULL,
    place integer NOT NULL,
    -- NULL for rows that speak of no title.
    item_key text COLLATE "C",
    -- The row as the contract has it.
    row jsonb NOT NULL,
    verdict text,
    reason text,
    PRIMARY KEY (user_id, import_id, place),
    FOREIGN KEY (user_id, import_id) REFERENCES imports (user_id, id) ON DELETE CASCADE
);
CREATE INDEX import_rows_by_item ON import_rows (user_id, import_id, item_key, place);
CREATE INDEX import_rows_by_verdict ON import_rows (user_id, import_id, verdict, place);

-- What a person said about a title of a file; holds for later imports too.
CREATE TABLE match_overrides (
    user_id uuid NOT NULL,
    item_key text COLLATE "C" NOT NULL,
    -- NULL where its rows are left out.
    title_id uuid,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, item_key)
);

-- What a person wrote beside a play.
CREATE TABLE play_notes (
    user_id uuid NOT NULL,
    play_id uuid NOT NULL,
    is_rewatch boolean NOT NULL,
    tags text[] NOT NULL,
    rating numeric(3, 1),
    review text,
    -- The review as the file has it, where that is more than text.
    review_html text,
    is_spoiler boolean NOT NULL,
    source text NOT NULL,
    batch_id uuid,
    -- What it was before that batch; NULL where it was not.
    before jsonb,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, play_id),
    FOREIGN KEY (user_id, play_id) REFERENCES plays (user_id, id) ON DELETE CASCADE
);
CREATE INDEX play_notes_by_batch ON play_notes (user_id, batch_id) WHERE batch_id IS NOT NULL;

CREATE TRIGGER imports_of_deleted_people AFTER INSERT ON imports
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER import_files_of_deleted_people AFTER INSERT ON import_files
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER import_chunks_of_deleted_people AFTER INSERT ON import_chunks
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER import_items_of_deleted_people AFTER INSERT ON import_items
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER import_rows_of_deleted_people AFTER INSERT ON import_rows
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER match_overrides_of_deleted_people AFTER INSERT ON match_overrides
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER play_notes_of_deleted_people AFTER INSERT ON play_notes
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
