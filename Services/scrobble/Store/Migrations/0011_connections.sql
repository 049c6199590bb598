-- Connecting accounts elsewhere: flows under way, what keeps tokens fresh, and what a person wants of each facet.
ALTER TABLE scrobble_connections
    DROP CONSTRAINT scrobble_connections_state_check,
    -- A row may hold a person's wishes before anything is connected, and after.
    ALTER COLUMN connected_at DROP NOT NULL,
    ADD COLUMN token_issued_at timestamptz,
    -- Tokens of the device flow are refreshed with the application's secret, those of the code flow without.
    ADD COLUMN uses_secret boolean NOT NULL DEFAULT false,
    -- The account there: what it is known by for good, and what it is called.
    ADD COLUMN account_key text,
    ADD COLUMN account_name text,
    -- The lease of whoever refreshes, and how often the present refresh token was sent without an answer being stored.
    ADD COLUMN refresh_fence bigint NOT NULL DEFAULT 0,
    ADD COLUMN refresh_held_until timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN refresh_tries smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT scrobble_connections_state_check CHECK (state IN (
        'disconnected', 'connected', 'refreshing', 'needs_reauth', 'rate_limited', 'account_limit', 'vip_required',
        'locked', 'api_key_rejected', 'paused')),
    ADD CONSTRAINT scrobble_connections_tokens_check CHECK (
        state <> 'disconnected' OR (access_token_encrypted IS NULL AND refresh_token_encrypted IS NULL));

-- What a person wants of a facet; what has no row is off.
CREATE TABLE sync_policies (
    user_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('trakt', 'simkl')),
    facet text NOT NULL CHECK (facet IN ('history', 'ratings', 'watchlist', 'collection', 'progress')),
    direction text NOT NULL CHECK (direction IN ('off', 'receive', 'send', 'both')),
    conflicts text NOT NULL CHECK (conflicts IN ('ours', 'theirs', 'ask')),
    deletes boolean NOT NULL,
    PRIMARY KEY (user_id, provider, facet)
);
CREATE TRIGGER sync_policies_of_deleted_people AFTER INSERT ON sync_policies
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- Wishes to connect that wait for an answer; each is good once.
CREATE TABLE oauth_flows (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('trakt', 'simkl')),
    kind text NOT NULL CHECK (kind IN ('code', 'device')),
    state_digest bytea,
    -- The verifier of PKCE, or the device code.
    secret_encrypted bytea NOT NULL,
    interval_seconds integer,
    next_poll_at timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    CHECK ((kind = 'code') = (state_digest IS NOT NULL)),
    CHECK ((kind = 'device') = (interval_seconds IS NOT NULL AND next_poll_at IS NOT NULL))
);
CREATE INDEX oauth_flows_expiring ON oauth_flows (expires_at);
CREATE TRIGGER oauth_flows_of_deleted_people AFTER INSERT ON oauth_flows
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
