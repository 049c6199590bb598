-- A refresh token that comes again within its grace is answered as it was the first time: the next tokens follow from it and
-- from a salt. Neither tells them alone, and of the token only the digest is kept.
ALTER TABLE sessions
    -- The refresh token from which the present tokens follow, by its digest; NULL where they are random.
    ADD COLUMN renewed_from bytea CHECK (octet_length(renewed_from) = 32),
    ADD COLUMN renewal_salt bytea CHECK (octet_length(renewal_salt) = 32),
    ADD CHECK ((renewed_from IS NULL) = (renewal_salt IS NULL));
