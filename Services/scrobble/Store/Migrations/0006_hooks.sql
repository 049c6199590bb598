-- Addresses to which media servers, add-ons and scripts send what is played; every table leads with the owner.
CREATE TABLE hooks (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    -- Where the owner lives; decides on which day a play was.
    time_zone text NOT NULL,
    -- SHA-256 of the secret in the address, and of the one before while it still counts.
    secret_hash bytea NOT NULL,
    old_secret_hash bytea,
    old_secret_until timestamptz,
    -- The server that spoke first; another one is refused.
    sender text CHECK (sender IN ('plex', 'jellyfin', 'emby', 'events')),
    server_id text,
    server_name text,
    removes_plays boolean NOT NULL DEFAULT false,
    accepted_count bigint NOT NULL DEFAULT 0,
    repeated_count bigint NOT NULL DEFAULT 0,
    refused_count bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    last_delivery_at timestamptz,
    -- Whoever works its deliveries holds it: they keep their order.
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (user_id, id),
    CHECK ((old_secret_hash IS NULL) = (old_secret_until IS NULL))
);
CREATE UNIQUE INDEX hooks_by_secret ON hooks (secret_hash);
CREATE UNIQUE INDEX hooks_by_old_secret ON hooks (old_secret_hash) WHERE old_secret_hash IS NOT NULL;

-- Whose plays those of a server's account are; nobody's until somebody says so.
CREATE TABLE hook_accounts (
    user_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    assigned_to uuid,
    time_zone text,
    is_ignored boolean NOT NULL DEFAULT false,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, hook_id, account),
    FOREIGN KEY (user_id, hook_id) REFERENCES hooks (user_id, id) ON DELETE CASCADE,
    CHECK ((assigned_to IS NULL) = (time_zone IS NULL)),
    CHECK (assigned_to IS NULL OR NOT is_ignored)
);
CREATE INDEX hook_accounts_by_person ON hook_accounts (assigned_to) WHERE assigned_to IS NOT NULL;

CREATE TABLE hook_deliveries (
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    hook_id uuid NOT NULL,
    account text,
    sender text,
    event text,
    summary text,
    -- What the server sent, so that it can be read again; null where it was refused.
    payload text,
    -- pending: to be worked · quarantined: until its account is assigned · done · ignored: nobody's concern · unmatched:
    -- no such title · failed: given up · refused
    state text NOT NULL CHECK (state IN (
        'pending', 'quarantined', 'done', 'ignored', 'unmatched', 'failed', 'refused')),
    reason text,
    title_ids uuid[] NOT NULL DEFAULT '{}',
    play_ids uuid[] NOT NULL DEFAULT '{}',
    tries smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, hook_id) REFERENCES hooks (user_id, id) ON DELETE CASCADE,
    CHECK (payload IS NOT NULL OR state = 'refused')
);
CREATE INDEX hook_deliveries_due ON hook_deliveries (due_at) WHERE state = 'pending';
CREATE INDEX hook_deliveries_by_hook ON hook_deliveries (user_id, hook_id, id DESC);

-- What was delivered already; longer than the deliveries themselves.
CREATE TABLE hook_fingerprints (
    user_id uuid NOT NULL,
    hook_id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, hook_id, fingerprint),
    FOREIGN KEY (user_id, hook_id) REFERENCES hooks (user_id, id) ON DELETE CASCADE
);
CREATE INDEX hook_fingerprints_old ON hook_fingerprints (seen_at);

CREATE TRIGGER hooks_of_deleted_people AFTER INSERT ON hooks
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER hook_accounts_of_deleted_people AFTER INSERT ON hook_accounts
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER hook_deliveries_of_deleted_people AFTER INSERT ON hook_deliveries
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER hook_fingerprints_of_deleted_people AFTER INSERT ON hook_fingerprints
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- A sitting may be a play before it ends: media servers say so at nine tenths.
ALTER TABLE playback_sessions
    DROP CONSTRAINT playback_sessions_check,
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
