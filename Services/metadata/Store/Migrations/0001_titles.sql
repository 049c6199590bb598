-- Titles, the ids that others know them by, and what each provider answered last.
CREATE TABLE titles (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('movie', 'series', 'season', 'episode')),
    parent_id uuid REFERENCES titles (id),
    season_number integer CHECK (season_number >= 0),
    episode_number integer CHECK (episode_number >= 0),
    name text NOT NULL CHECK (name <> ''),
    original_name text,
    year integer,
    release_date date,
    overview text,
    runtime_minutes integer CHECK (runtime_minutes > 0),
    genres text[] NOT NULL DEFAULT '{}',
    certification text,
    poster_url text,
    external_ratings jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(external_ratings) = 'array'),
    vote_average double precision CHECK (vote_average BETWEEN 0 AND 10),
    vote_count bigint CHECK (vote_count >= 0),
    is_local boolean NOT NULL,
    enriched_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX titles_by_parent ON titles (parent_id, season_number, episode_number) WHERE parent_id IS NOT NULL;

-- A merged title's old id, kept for ever; new_id is always a title that stands.
CREATE TABLE title_redirects (
    old_id uuid PRIMARY KEY,
    new_id uuid NOT NULL REFERENCES titles (id),
    merged_at timestamptz NOT NULL,
    CHECK (old_id <> new_id)
);
CREATE INDEX title_redirects_by_target ON title_redirects (new_id);

-- One outside id means one title: the primary key is what lets two replicas resolve the same film at once.
CREATE TABLE external_ids (
    source text NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    title_id uuid NOT NULL REFERENCES titles (id),
    PRIMARY KEY (source, kind, value)
);
CREATE INDEX external_ids_by_title ON external_ids (title_id);

CREATE TABLE provider_outcomes (
    title_id uuid NOT NULL REFERENCES titles (id),
    provider text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('ok', 'none', 'not_mapped', 'skipped', 'quota', 'error')),
    detail text,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (title_id, provider)
);
