-- Which title a number means, by who counts: the numbers of one place say nothing in another.
ALTER TABLE trakt_titles RENAME TO remote_titles;
ALTER TABLE remote_titles RENAME COLUMN trakt_id TO number;
ALTER TABLE remote_titles ADD COLUMN provider text NOT NULL DEFAULT 'trakt' CHECK (provider IN ('trakt', 'simkl'));
ALTER TABLE remote_titles ALTER COLUMN provider DROP DEFAULT;
ALTER TABLE remote_titles DROP CONSTRAINT trakt_titles_pkey, ADD PRIMARY KEY (provider, kind, number);

-- What we have instead of `value`, where both were left as they are when a sync was taken back.
ALTER TABLE sync_base ADD COLUMN apart text;
-- Whether a change takes back another one of its run.
ALTER TABLE sync_changes ADD COLUMN is_undo boolean NOT NULL DEFAULT false;

-- Background syncs: when a connection is asked next whether something has happened there. Runs that nobody asked for and
-- that found nothing to do leave no trace.
ALTER TABLE scrobble_connections
    ADD COLUMN polled_at timestamptz NOT NULL DEFAULT '-infinity',
    -- Where its person lives, as of the last time that the person asked for something here.
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
ALTER TABLE sync_runs ADD COLUMN is_background boolean NOT NULL DEFAULT false;
CREATE INDEX scrobble_connections_polled ON scrobble_connections (polled_at) WHERE enabled AND state = 'connected';
