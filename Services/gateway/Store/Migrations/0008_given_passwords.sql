-- The password that an administrator's command printed last, by its hash, and until when it is good: it is there to be changed.
-- Whoever has chosen another one since has another hash, also where a copy of the version before has written it.
ALTER TABLE users
    ADD COLUMN given_hash text,
    ADD COLUMN given_until timestamptz,
    ADD CHECK ((given_hash IS NULL) = (given_until IS NULL));
