-- Whose account the tokens are for has been read since they were given; before that nothing is held against what was agreed.
ALTER TABLE scrobble_connections ADD COLUMN account_is_known boolean NOT NULL DEFAULT true;
UPDATE scrobble_connections SET account_is_known = false WHERE account_key IS NULL;
