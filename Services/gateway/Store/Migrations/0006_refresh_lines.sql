-- Every refresh token of a session begins alike, whatever number it has: by the digest of that beginning a session is found from
-- any token that it ever had. NULL until the first refresh; there is no earlier token then, but for a session from before this
-- migration: its line begins with the token that it has now, and tokens from before that one are not recognised.
ALTER TABLE sessions ADD COLUMN refresh_line bytea CHECK (octet_length(refresh_line) = 32);
CREATE INDEX sessions_by_refresh_line ON sessions (refresh_line);
