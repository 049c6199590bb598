-- People who are gone; a tombstone refuses whatever of theirs arrives late.
CREATE TABLE deleted_users (
    user_id uuid PRIMARY KEY,
    deleted_at timestamptz NOT NULL
);

-- The lock that writers of a person's rows share and that the deletion takes alone: whoever comes first is seen by the other.
CREATE FUNCTION person_lock(person uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtextextended(person::text, 20) $$;

-- Runs once per statement. Each query of the body sees what was committed before it began, so the tombstone of a deletion
-- that the lock waited for is seen.
CREATE FUNCTION refuse_deleted_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(person_lock(people.user_id))
    FROM (SELECT DISTINCT user_id FROM written ORDER BY user_id) people;
    IF EXISTS (SELECT FROM written JOIN deleted_users USING (user_id)) THEN
        RAISE EXCEPTION 'the person was deleted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'person_deleted';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER plays_of_deleted_people AFTER INSERT ON plays
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER playback_sessions_of_deleted_people AFTER INSERT ON playback_sessions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
