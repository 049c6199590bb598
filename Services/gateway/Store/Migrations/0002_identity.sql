-- Sessions that are refreshed, API keys, invitations, failed logins, accounts on their way out, and keys of writes that
-- happen once. Of every secret only its SHA-256 is kept.
-- A session of before has no refresh token: its owner logs in again.
DELETE FROM sessions;
ALTER TABLE sessions
    ADD COLUMN refresh_hash bytea NOT NULL UNIQUE CHECK (octet_length(refresh_hash) = 32),
    -- The refresh token before: shown a second time it tells of a theft, or of an answer that was lost.
    ADD COLUMN previous_refresh_hash bytea UNIQUE CHECK (octet_length(previous_refresh_hash) = 32),
    ADD COLUMN refreshed_at timestamptz NOT NULL,
    ADD COLUMN refresh_expires_at timestamptz NOT NULL,
    -- When the password was shown last.
    ADD COLUMN authenticated_at timestamptz NOT NULL,
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN device text,
    ADD COLUMN address text;
DROP INDEX sessions_by_expiry;
CREATE INDEX sessions_by_refresh_expiry ON sessions (refresh_expires_at);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name text NOT NULL,
    label text NOT NULL,
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

CREATE TABLE invites (
    id uuid PRIMARY KEY,
    -- Who invites.
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    note text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX invites_by_user ON invites (user_id);
CREATE INDEX invites_by_expiry ON invites (expires_at);

-- From where a person has logged in before: whoever guesses from elsewhere cannot lock them out.
CREATE TABLE known_networks (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network_hash bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, network_hash)
);

-- Failed logins, by a digest of the name or the network that they are counted for; shared by all copies of the gateway.
CREATE TABLE login_throttles (
    subject bytea PRIMARY KEY,
    failures integer NOT NULL,
    -- How many failures cost nothing.
    allowance integer NOT NULL,
    last_at timestamptz NOT NULL,
    free_at timestamptz NOT NULL
);
CREATE INDEX login_throttles_by_time ON login_throttles (last_at);

-- Accounts that are closed and whose data elsewhere is still to be erased.
CREATE TABLE account_deletions (
    user_id uuid PRIMARY KEY,
    requested_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0
);
CREATE INDEX account_deletions_by_due ON account_deletions (due_at);

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key_hash bytea NOT NULL,
    fingerprint bytea NOT NULL,
    -- Sealed, since an answer may show a secret.
    answer bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key_hash)
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
