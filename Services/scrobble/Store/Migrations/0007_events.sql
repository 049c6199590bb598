-- What happens to people, told as it happens and kept for a day: written in the transaction of the change itself, whoever
-- makes it. The order is that of transactions; those of one transaction follow each other by position.
CREATE TABLE events (
    user_id uuid NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, xid, position)
);
CREATE INDEX events_by_order ON events (xid, position);
CREATE TRIGGER events_of_deleted_people AFTER INSERT ON events
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- More changes than this of one person in one statement are told as a number.
CREATE FUNCTION events_told_singly() RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT 20 $$;

CREATE FUNCTION tell_of_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'playback', jsonb_build_object('playback', jsonb_strip_nulls(jsonb_build_object(
        'id', id, 'title', title_id, 'state', state, 'progress_percent', progress_percent, 'started_at', started_at,
        'updated_at', updated_at, 'play', play_id)))
    FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER playback_sessions_begun AFTER INSERT ON playback_sessions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_sessions();
CREATE TRIGGER playback_sessions_moved AFTER UPDATE ON playback_sessions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_sessions();

-- A play as the contract has it.
CREATE FUNCTION play_told(play plays) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'id', play.id, 'title', play.title_id, 'kind', play.kind, 'watched_at', play.watched_at,
        'watched_on', play.watched_on, 'precision', play.precision, 'percent', play.percent))
$$;

CREATE FUNCTION tell_of_new_plays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'history', jsonb_build_object('history', jsonb_build_object('happened', 'added', 'count', count(*)))
    FROM written GROUP BY user_id HAVING count(*) > events_told_singly();
    INSERT INTO events (user_id, kind, body)
    SELECT w.user_id, 'history', jsonb_build_object('history', jsonb_build_object(
        'happened', 'added', 'count', 1, 'play', play_told(p)))
    FROM written w JOIN plays p ON p.user_id = w.user_id AND p.id = w.id
    WHERE w.user_id IN (SELECT user_id FROM written GROUP BY user_id HAVING count(*) <= events_told_singly());
    RETURN NULL;
END $$;
CREATE TRIGGER plays_added AFTER INSERT ON plays
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_new_plays();

CREATE FUNCTION tell_of_changed_plays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS (
        SELECT w.user_id, w.id, CASE WHEN w.removed_at IS NULL THEN 'restored' ELSE 'removed' END AS happened
        FROM written w JOIN before b ON b.user_id = w.user_id AND b.id = w.id
        WHERE (w.removed_at IS NULL) <> (b.removed_at IS NULL)
    ), counted AS (
        SELECT user_id, happened, count(*) AS amount FROM changed GROUP BY user_id, happened
    )
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'history', jsonb_build_object('history', jsonb_build_object('happened', happened, 'count', amount))
    FROM counted WHERE amount > events_told_singly()
    UNION ALL
    SELECT c.user_id, 'history', jsonb_build_object('history', jsonb_build_object(
        'happened', c.happened, 'count', 1, 'play', play_told(p)))
    FROM changed c JOIN counted USING (user_id, happened) JOIN plays p ON p.user_id = c.user_id AND p.id = c.id
    WHERE amount <= events_told_singly();
    RETURN NULL;
END $$;
CREATE TRIGGER plays_changed AFTER UPDATE ON plays
    REFERENCING NEW TABLE AS written OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION tell_of_changed_plays();

-- Single jobs are told where somebody waits for them or must look at them.
CREATE FUNCTION tell_of_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (user_id, kind, body)
    SELECT user_id, 'job', jsonb_build_object('job', jsonb_build_object(
        'id', id, 'provider', provider, 'title', title_id, 'action', action, 'state', outcome, 'reason', reason))
    FROM (SELECT user_id, id, provider, media_id AS title_id, action, outcome, reason FROM written
        WHERE urgency = 0 OR outcome = 'dead') told;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_outcomes_told AFTER INSERT ON queue_outcomes
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION tell_of_jobs();
