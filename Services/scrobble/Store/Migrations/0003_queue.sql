-- The accounts elsewhere that a person's life is kept in step with, and the queue of what they must be told.
CREATE TABLE scrobble_connections (
    user_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('trakt', 'simkl')),
    access_token_encrypted bytea,
    refresh_token_encrypted bytea,
    token_expires_at timestamptz,
    enabled boolean NOT NULL DEFAULT true,
    sync_ratings boolean NOT NULL DEFAULT true,
    sync_watch_status boolean NOT NULL DEFAULT true,
    sync_library boolean NOT NULL DEFAULT true,
    scrobble_threshold_percent double precision NOT NULL DEFAULT 80
        CHECK (scrobble_threshold_percent BETWEEN 1 AND 100),
    state text NOT NULL DEFAULT 'connected' CHECK (state IN (
        'connected', 'refreshing', 'needs_reauth', 'rate_limited', 'account_limit', 'vip_required', 'locked',
        'api_key_rejected', 'paused')),
    state_reason text,
    connected_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider)
);

-- One lane per connection: its jobs keep their order and at most one call of theirs is under way. Whoever works a lane
-- holds its lease, which is nothing but `held_until` in the future, and its fence.
CREATE TABLE queue_lanes (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    -- The jobs in scrobble_queue, by urgency.
    live_count integer NOT NULL DEFAULT 0 CHECK (live_count >= 0),
    bulk_count integer NOT NULL DEFAULT 0 CHECK (bulk_count >= 0),
    -- Given out under the lane's row lock, so that the order of positions is the order of commits.
    next_position bigint NOT NULL DEFAULT 0,
    -- No job of that urgency stands before this position: a claim starts here and passes no dead row.
    live_from bigint NOT NULL DEFAULT 0,
    bulk_from bigint NOT NULL DEFAULT 0,
    -- When the first job of that urgency may be tried; infinity where there is none.
    live_at timestamptz NOT NULL DEFAULT 'infinity',
    bulk_at timestamptz NOT NULL DEFAULT 'infinity',
    -- Nobody claims the lane before: a lease, the pace that the provider asks for, or a wait that it imposed.
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    is_paused boolean NOT NULL DEFAULT false,
    fence bigint NOT NULL DEFAULT 0,
    worker uuid,
    is_live boolean NOT NULL GENERATED ALWAYS AS (live_count > 0) STORED,
    due_at timestamptz NOT NULL GENERATED ALWAYS AS (
        CASE WHEN is_paused THEN 'infinity'::timestamptz
             ELSE greatest(held_until, least(live_at, bulk_at)) END) STORED,
    PRIMARY KEY (user_id, provider),
    CHECK ((live_count = 0) = (live_at = 'infinity')),
    CHECK ((bulk_count = 0) = (bulk_at = 'infinity'))
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX queue_lanes_due ON queue_lanes (is_live, due_at) WHERE due_at < 'infinity';

CREATE TABLE scrobble_queue (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    provider text NOT NULL,
    -- 0: live, somebody watches or clicks now; 1: bulk, from a sync or an import.
    urgency smallint NOT NULL CHECK (urgency IN (0, 1)),
    position bigint NOT NULL,
    media_type text NOT NULL CHECK (media_type IN ('movie', 'series', 'season', 'episode')),
    media_id uuid NOT NULL,
    action text NOT NULL,
    payload jsonb NOT NULL,
    -- Neighbours with the same key may travel in one call.
    join_key text,
    -- What this job is about; the same thing is not queued twice.
    fingerprint text NOT NULL,
    -- pending: to be sent · sending: the intent to send is committed · verify: sent, but whether it arrived is unknown
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'verify')),
    retry_count integer NOT NULL DEFAULT 0,
    next_retry_at timestamptz NOT NULL,
    -- Times that the intent to send was committed, and when last.
    sends smallint NOT NULL DEFAULT 0,
    sent_at timestamptz,
    -- Times that the other side was looked at without finding it.
    looks smallint NOT NULL DEFAULT 0,
    -- Claims that nobody settled: each was a worker that died.
    unsettled smallint NOT NULL DEFAULT 0,
    reason text,
    batch_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider, urgency, position),
    CHECK (status = 'pending' OR sent_at IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 200,
        autovacuum_vacuum_cost_delay = 0);
CREATE UNIQUE INDEX scrobble_queue_by_id ON scrobble_queue (user_id, id);
CREATE UNIQUE INDEX scrobble_queue_by_fingerprint ON scrobble_queue (user_id, provider, fingerprint);

-- What became of the jobs that left the queue.
CREATE TABLE queue_outcomes (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL,
    urgency smallint NOT NULL,
    media_type text NOT NULL,
    media_id uuid NOT NULL,
    action text NOT NULL,
    payload jsonb NOT NULL,
    join_key text,
    fingerprint text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'dead', 'cancelled')),
    reason text NOT NULL,
    retry_count integer NOT NULL,
    batch_id uuid,
    created_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX queue_outcomes_by_time ON queue_outcomes (user_id, finished_at DESC, id DESC);
CREATE INDEX queue_outcomes_dead ON queue_outcomes (user_id, finished_at DESC, id DESC) WHERE outcome = 'dead';
CREATE INDEX queue_outcomes_old ON queue_outcomes USING brin (finished_at);

CREATE TRIGGER scrobble_connections_of_deleted_people AFTER INSERT ON scrobble_connections
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER scrobble_queue_of_deleted_people AFTER INSERT ON scrobble_queue
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- Work that comes round: one replica at a time, by a lease with a fence.
CREATE TABLE periodic_jobs (
    name text PRIMARY KEY,
    due_at timestamptz NOT NULL,
    fence bigint NOT NULL DEFAULT 0,
    worker uuid
);
