-- The ledger of plays and the sittings that make them; every table leads with user_id.
CREATE TABLE plays (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'episode')),
    watched_at timestamptz,
    watched_on date,
    precision text NOT NULL CHECK (precision IN ('second', 'minute', 'day', 'unknown')),
    percent double precision CHECK (percent BETWEEN 0 AND 100),
    batch_id uuid,
    -- Where the play stands in a list: its instant, noon UTC of its day, or the far past where the date is unknown.
    listed_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    CHECK ((precision IN ('second', 'minute')) = (watched_at IS NOT NULL)),
    CHECK ((precision = 'day') = (watched_on IS NOT NULL))
);
CREATE INDEX plays_by_time ON plays (user_id, listed_at DESC, id DESC);
CREATE INDEX plays_by_title ON plays (user_id, title_id);

-- By which roads a play arrived; the same play may arrive by several.
CREATE TABLE play_sources (
    user_id uuid NOT NULL,
    play_id uuid NOT NULL,
    source text NOT NULL,
    source_key text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, play_id, source, source_key),
    FOREIGN KEY (user_id, play_id) REFERENCES plays (user_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX play_sources_by_key ON play_sources (user_id, source, source_key);

CREATE TABLE playback_sessions (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    title_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('movie', 'episode')),
    state text NOT NULL CHECK (state IN ('playing', 'paused', 'stopped')),
    progress_percent double precision NOT NULL CHECK (progress_percent BETWEEN 0 AND 100),
    started_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    play_id uuid,
    PRIMARY KEY (user_id, id),
    CHECK (play_id IS NULL OR state = 'stopped')
);
-- A person has at most one open sitting for a title.
CREATE UNIQUE INDEX playback_sessions_open ON playback_sessions (user_id, title_id) WHERE state <> 'stopped';
