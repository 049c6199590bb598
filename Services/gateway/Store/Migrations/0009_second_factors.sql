-- Second factors: secrets of one-time codes, and codes that stand in for a lost device once. The secret is sealed with a key that
-- follows from the service secret; of a recovery code only its SHA-256 is kept.
CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret bytea NOT NULL,
    begun_at timestamptz NOT NULL,
    -- When a first code was shown; NULL until then, and it guards nothing.
    confirmed_at timestamptz,
    -- The latest step of 30 s whose code was taken: neither it nor an earlier one is taken again.
    last_step bigint NOT NULL DEFAULT 0
);
CREATE INDEX second_factors_begun ON second_factors (begun_at) WHERE confirmed_at IS NULL;

CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES second_factors (user_id) ON DELETE CASCADE,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    PRIMARY KEY (user_id, code_hash)
);
