-- What enrichment needs: who is due, who may be asked, what was said, and how scores changed.
ALTER TABLE titles
    ADD COLUMN end_date date,
    ADD COLUMN backdrop_url text,
    -- When the list of seasons or episodes was last told; null where it never was.
    ADD COLUMN children_at timestamptz;

-- A season's or an episode's parent is its series: one of each number.
CREATE UNIQUE INDEX titles_by_number ON titles (parent_id, kind, season_number, (coalesce(episode_number, -1)))
    WHERE parent_id IS NOT NULL;

-- Films and series by their names: as they are written, with the words that are searched, and the keys that are looked up.
CREATE TABLE title_names (
    title_id uuid NOT NULL REFERENCES titles (id),
    name text NOT NULL CHECK (name <> ''),
    words text NOT NULL,
    PRIMARY KEY (title_id, name)
);
CREATE INDEX title_names_by_word ON title_names USING gin (to_tsvector('simple', words));

CREATE TABLE title_keys (
    key text NOT NULL CHECK (key <> ''),
    title_id uuid NOT NULL REFERENCES titles (id),
    PRIMARY KEY (key, title_id)
);
CREATE INDEX title_keys_by_title ON title_keys (title_id);

-- The feed of merges: numbers are given under a lock that is held until the commit, so that they appear in their order.
ALTER TABLE title_redirects ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX title_redirects_by_number ON title_redirects (number);

-- When a title is to be asked about next, and who does it. `fence` counts the turns: a turn that was overtaken may not write.
CREATE TABLE title_refresh (
    title_id uuid PRIMARY KEY REFERENCES titles (id),
    due_at timestamptz NOT NULL,
    lease_until timestamptz,
    fence bigint NOT NULL DEFAULT 0,
    -- Turns since the last one in which no provider failed.
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0)
);
CREATE INDEX title_refresh_by_due ON title_refresh (due_at);
INSERT INTO title_refresh (title_id, due_at) SELECT id, now() FROM titles WHERE kind IN ('movie', 'series');

-- A source's score each time it changed at one decimal; without value, the source has none from then on.
CREATE TABLE rating_history (
    title_id uuid NOT NULL REFERENCES titles (id),
    number bigint GENERATED ALWAYS AS IDENTITY,
    source text NOT NULL,
    at timestamptz NOT NULL,
    value text,
    score double precision CHECK (score BETWEEN 0 AND 100),
    votes bigint CHECK (votes >= 0),
    via text,
    PRIMARY KEY (title_id, number)
);
CREATE INDEX rating_history_by_source ON rating_history (title_id, source, number);

-- What a provider said last, normalised, without the lists of seasons and episodes.
CREATE TABLE provider_facts (
    title_id uuid NOT NULL REFERENCES titles (id),
    provider text NOT NULL,
    facts jsonb NOT NULL CHECK (pg_column_size(facts) <= 131072),
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (title_id, provider)
);

ALTER TABLE provider_outcomes ADD COLUMN next_at timestamptz;

-- The pace that all replicas keep together: `free_at` is when the next call may be made.
CREATE TABLE provider_quota (
    provider text PRIMARY KEY,
    free_at timestamptz NOT NULL,
    day date NOT NULL,
    day_calls bigint NOT NULL CHECK (day_calls >= 0)
);

INSERT INTO provider_quota (provider, free_at, day, day_calls)
SELECT provider, '-infinity', '1970-01-01', 0
FROM unnest(ARRAY['tmdb', 'tvdb', 'tvmaze', 'omdb', 'trakt', 'letterboxd', 'simkl', 'anilist', 'anidb', 'myanimelist', 'kitsu'])
    AS provider;

-- How a provider is doing, for all replicas and over restarts.
CREATE TABLE provider_health (
    provider text PRIMARY KEY,
    -- Failures since the last answer.
    failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    state text NOT NULL DEFAULT 'serving' CHECK (state IN ('serving', 'resting', 'quota', 'key_rejected')),
    until timestamptz,
    reason text,
    answered_at timestamptz,
    failed_at timestamptz
);
