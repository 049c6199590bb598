-- The whole history of every rating, what all people think of a title, and the one way in which ratings change.

ALTER TABLE user_ratings
    ADD COLUMN source text NOT NULL DEFAULT 'person'
        CHECK (source IN ('person', 'trakt', 'simkl', 'letterboxd', 'import', 'undo', 'merge')),
    -- As the person gave it.
    ADD COLUMN given_value numeric(4, 1),
    ADD COLUMN given_scale text CHECK (given_scale IN ('ten', 'ten_decimal', 'five_stars', 'hundred', 'thumbs')),
    ADD COLUMN play_id uuid,
    -- The change that made the row what it is.
    ADD COLUMN version bigint NOT NULL DEFAULT 0,
    ADD CHECK ((given_value IS NULL) = (given_scale IS NULL));

-- Lists by date and by score; what they filter by stands behind, so that the index alone can tell.
CREATE INDEX user_ratings_by_time ON user_ratings (user_id, rated_at, media_id, media_type, rating);
CREATE INDEX user_ratings_by_score ON user_ratings (user_id, rating, rated_at, media_id, media_type);
CREATE INDEX user_ratings_reviewed ON user_ratings (user_id, rated_at, media_id) WHERE review IS NOT NULL;
-- Who has rated a title that is merged into another.
CREATE INDEX user_ratings_by_title ON user_ratings (media_id);

-- The last change of each person; counts without a gap, since whoever changes a person's ratings holds the person's lock.
CREATE TABLE user_versions (
    user_id uuid PRIMARY KEY,
    version bigint NOT NULL
) WITH (fillfactor = 50);

-- Every change, with what is since; what was before is the title's event before.
CREATE TABLE rating_events (
    user_id uuid NOT NULL,
    version bigint NOT NULL,
    media_id uuid NOT NULL,
    media_type text NOT NULL,
    old_rating numeric(3, 1),
    -- NULL where the rating was taken back.
    rating numeric(3, 1),
    review text,
    spoiler boolean NOT NULL,
    rated_at timestamptz,
    given_value numeric(4, 1),
    given_scale text,
    play_id uuid,
    source text NOT NULL,
    batch_id uuid,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, version)
);
CREATE INDEX rating_events_of_title ON rating_events (user_id, media_id, version);
CREATE INDEX rating_events_of_batch ON rating_events (user_id, batch_id, version) WHERE batch_id IS NOT NULL;

-- What all people think of a title, in 16 parts by person, so that those who rate one title at once do not wait for each
-- other. Histogram: how many round to 1, 2, … 10.
CREATE TABLE rating_aggregates (
    media_id uuid NOT NULL,
    slot smallint NOT NULL CHECK (slot BETWEEN 0 AND 15),
    count bigint NOT NULL,
    sum_tenths bigint NOT NULL,
    histogram bigint[] NOT NULL,
    PRIMARY KEY (media_id, slot)
) WITH (fillfactor = 50);

-- What was answered to a key, written together with the effect; kept for a day.
CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    results text[] NOT NULL,
    versions bigint[] NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- People who are gone; what arrives late is refused.
CREATE TABLE deleted_users (
    user_id uuid PRIMARY KEY,
    deleted_at timestamptz NOT NULL
);

-- Titles that were merged into others; never a chain.
CREATE TABLE merged_titles (
    from_id uuid PRIMARY KEY,
    to_id uuid NOT NULL CHECK (to_id <> from_id)
);
CREATE INDEX merged_titles_by_target ON merged_titles (to_id);

CREATE FUNCTION rating_slot(person uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT (get_byte(uuid_send(person), 15) & 15)::smallint $$;

CREATE FUNCTION rating_bucket(rating numeric) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT greatest(1, round(rating))::integer $$;

-- Advisory locks of the ratings service: one per person, and one for the table of merged titles.
CREATE FUNCTION rating_lock(person uuid) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT uuid_hash_extended(person, 7102) $$;

-- Adds to the aggregates, always in the same order, so that two who add never wait for each other in a circle.
CREATE FUNCTION count_ratings(titles uuid[], slots smallint[], signs integer[], ratings numeric[]) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO rating_aggregates AS a (media_id, slot, count, sum_tenths, histogram)
    SELECT title, slot, sum(sign), sum(sign * (rating * 10)::bigint),
        ARRAY[
            coalesce(sum(sign) FILTER (WHERE bucket = 1), 0), coalesce(sum(sign) FILTER (WHERE bucket = 2), 0),
            coalesce(sum(sign) FILTER (WHERE bucket = 3), 0), coalesce(sum(sign) FILTER (WHERE bucket = 4), 0),
            coalesce(sum(sign) FILTER (WHERE bucket = 5), 0), coalesce(sum(sign) FILTER (WHERE bucket = 6), 0),
            coalesce(sum(sign) FILTER (WHERE bucket = 7), 0), coalesce(sum(sign) FILTER (WHERE bucket = 8), 0),
            coalesce(sum(sign) FILTER (WHERE bucket = 9), 0), coalesce(sum(sign) FILTER (WHERE bucket = 10), 0)
        ]
    FROM (
        SELECT title, slot, sign, rating, rating_bucket(rating) AS bucket
        FROM unnest(titles, slots, signs, ratings) AS given (title, slot, sign, rating)
        WHERE rating IS NOT NULL
    ) AS delta
    GROUP BY title, slot
    ORDER BY title, slot
    ON CONFLICT (media_id, slot) DO UPDATE SET
        count = a.count + excluded.count,
        sum_tenths = a.sum_tenths + excluded.sum_tenths,
        histogram = ARRAY[
            a.histogram[1] + excluded.histogram[1], a.histogram[2] + excluded.histogram[2],
            a.histogram[3] + excluded.histogram[3], a.histogram[4] + excluded.histogram[4],
            a.histogram[5] + excluded.histogram[5], a.histogram[6] + excluded.histogram[6],
            a.histogram[7] + excluded.histogram[7], a.histogram[8] + excluded.histogram[8],
            a.histogram[9] + excluded.histogram[9], a.histogram[10] + excluded.histogram[10]
        ]
    $$;

-- Changes ratings: several requests at once, at most one per person, each with any number of items (with one each where
-- `item_requests` is NULL). One row per request:
--   fate      done; replayed (the key was used for the same before); reused (for something else); gone (deleted person)
--   results   what became of each item
--   the rest  what stands now, for a request of one item that asks for it
-- The lock comes first and everything is read after it, in a statement of its own and so with a snapshot of its own.
CREATE FUNCTION change_ratings(
    people uuid[], keys text[], hashes bytea[], sources text[], batches uuid[], newers boolean[], details boolean[],
    item_requests integer[], item_titles uuid[], item_kinds text[], item_ratings numeric[], item_reviews text[],
    item_spoilers boolean[], item_moments timestamptz[], item_given_values numeric[], item_given_scales text[],
    item_plays uuid[], item_expected bigint[], item_refusals text[], moment timestamptz
) RETURNS TABLE (
    request integer, fate text, results text[], versions bigint[], title uuid, rating numeric, review text, spoiler boolean,
    rated_at timestamptz, updated_at timestamptz, source text
)
    LANGUAGE plpgsql
    -- The plan is made once, whatever the tables look like then: every look-up goes by an index.
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
    SET jit = off
    AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7102);
    PERFORM pg_advisory_xact_lock(lock.key)
    FROM (SELECT DISTINCT rating_lock(person) AS key FROM unnest(people) AS person ORDER BY 1) AS lock;

    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT g.place::integer AS request, g.user_id, g.key, g.hash, g.source, g.batch_id, g.newer, g.detail,
            CASE
                WHEN d.user_id IS NOT NULL THEN 'gone'
                WHEN k.user_id IS NULL THEN 'done'
                WHEN k.request_hash = g.hash THEN 'replayed'
                ELSE 'reused'
            END AS fate,
            k.results, k.versions, coalesce(v.version, 0) AS version, rating_slot(g.user_id) AS slot
        FROM unnest(people, keys, hashes, sources, batches, newers, details) WITH ORDINALITY
            AS g (user_id, key, hash, source, batch_id, newer, detail, place)
        LEFT JOIN deleted_users d ON d.user_id = g.user_id
        LEFT JOIN idempotency_keys k ON k.user_id = g.user_id AND k.key = g.key
        LEFT JOIN user_versions v ON v.user_id = g.user_id
    ), item AS MATERIALIZED (
        SELECT i.place, a.request, a.user_id, a.source, a.batch_id, a.newer, a.version AS last_version, a.slot,
            coalesce(m.to_id, i.media_id) AS media_id, i.media_type, i.rating, i.review, i.spoiler, i.rated_at,
            i.given_value, i.given_scale, i.play_id, i.expected, i.refusal,
            i.place < max(i.place) OVER (PARTITION BY a.user_id, coalesce(m.to_id, i.media_id)) AS is_repeated
        FROM unnest(
            item_requests, item_titles, item_kinds, item_ratings, item_reviews, item_spoilers, item_moments,
            item_given_values, item_given_scales, item_plays, item_expected, item_refusals
        ) WITH ORDINALITY AS i (
            request, media_id, media_type, rating, review, spoiler, rated_at, given_value, given_scale, play_id, expected,
            refusal, place
        )
        JOIN asked a ON a.request = coalesce(i.request, i.place) AND a.fate = 'done'
        LEFT JOIN merged_titles m ON m.from_id = i.media_id
    ), known AS MATERIALIZED (
        SELECT i.place, i.request, i.user_id, i.source, i.batch_id, i.newer, i.last_version, i.slot, i.media_id,
            coalesce(i.media_type, o.media_type) AS media_type, i.rating, i.rated_at, i.given_value, i.given_scale,
            i.play_id, i.expected, i.refusal, i.is_repeated,
            CASE WHEN i.review IS NULL THEN o.review ELSE nullif(i.review, '') END AS review,
            coalesce(i.spoiler, o.spoiler, false) AS spoiler,
            o.media_id IS NOT NULL AS is_known, o.rating AS old_rating, o.review AS old_review,
            o.spoiler AS old_spoiler, o.rated_at AS old_rated_at, o.given_value AS old_given_value,
            o.given_scale AS old_given_scale, o.play_id AS old_play_id, o.version AS old_version,
            o.updated_at AS old_updated_at, o.source AS old_source
        FROM item i
        LEFT JOIN user_ratings o ON o.user_id = i.user_id AND o.media_id = i.media_id
    ), judged AS MATERIALIZED (
        SELECT k.place, k.request, k.user_id, k.source, k.batch_id, k.last_version, k.slot, k.media_id, k.media_type,
            k.rating, k.review, k.spoiler, k.rated_at, k.given_value, k.given_scale, k.play_id, k.old_rating,
            k.old_version, k.old_updated_at, k.old_source, k.old_rated_at,
            CASE
                WHEN k.refusal IS NOT NULL THEN k.refusal
                WHEN k.is_repeated THEN 'repeated'
                WHEN k.expected <> coalesce(k.old_version, 0) THEN 'mismatch'
                WHEN k.rating IS NULL AND NOT k.is_known THEN 'absent'
                WHEN k.is_known AND k.rating = k.old_rating AND k.review IS NOT DISTINCT FROM k.old_review
                    AND k.spoiler = k.old_spoiler
                    AND (k.newer AND k.rated_at <= k.old_rated_at
                        OR k.rated_at = k.old_rated_at AND k.given_value IS NOT DISTINCT FROM k.old_given_value
                            AND k.given_scale IS NOT DISTINCT FROM k.old_given_scale
                            AND k.play_id IS NOT DISTINCT FROM k.old_play_id) THEN 'same'
                WHEN k.newer AND k.is_known AND k.rated_at <= k.old_rated_at THEN 'older'
                WHEN k.newer AND NOT k.is_known AND k.rated_at <= (
                    SELECT e.changed_at FROM rating_events e WHERE e.user_id = k.user_id AND e.media_id = k.media_id
                    ORDER BY e.version DESC LIMIT 1
                ) THEN 'older'
                WHEN k.rating IS NULL THEN 'removed'
                WHEN k.is_known THEN 'updated'
                ELSE 'created'
            END AS result
        FROM known k
    ), numbered AS MATERIALIZED (
        SELECT j.place, j.request, j.user_id, j.source, j.batch_id, j.slot, j.media_id, j.media_type, j.rating, j.review,
            j.spoiler, j.rated_at, j.given_value, j.given_scale, j.play_id, j.old_rating, j.old_updated_at, j.old_source,
            j.old_rated_at, j.result, j.result IN ('created', 'updated', 'removed') AS is_change,
            CASE
                WHEN j.result IN ('created', 'updated', 'removed') THEN j.last_version
                    + count(*) FILTER (WHERE j.result IN ('created', 'updated', 'removed'))
                        OVER (PARTITION BY j.user_id ORDER BY j.place)
                ELSE j.old_version
            END AS version
        FROM judged j
    ), change AS MATERIALIZED (
        SELECT n.user_id, n.source, n.batch_id, n.slot, n.media_id, n.media_type, n.rating,
            CASE WHEN n.rating IS NOT NULL THEN n.review END AS review, n.rating IS NOT NULL AND n.spoiler AS spoiler,
            CASE WHEN n.rating IS NOT NULL THEN n.rated_at END AS rated_at, n.given_value, n.given_scale, n.play_id,
            n.old_rating, n.version
        FROM numbered n WHERE n.is_change
    ), versioned AS (
        INSERT INTO user_versions (user_id, version)
        SELECT c.user_id, max(c.version) FROM change c GROUP BY c.user_id
        ON CONFLICT (user_id) DO UPDATE SET version = excluded.version
    ), removed AS (
        DELETE FROM user_ratings u USING change c
        WHERE u.user_id = c.user_id AND u.media_id = c.media_id AND c.rating IS NULL
    ), written AS (
        INSERT INTO user_ratings (
            user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at, source, given_value,
            given_scale, play_id, version
        )
        SELECT c.user_id, c.media_type, c.media_id, c.rating, c.review, c.spoiler, c.rated_at, moment, c.source,
            c.given_value, c.given_scale, c.play_id, c.version
        FROM change c WHERE c.rating IS NOT NULL
        ON CONFLICT (user_id, media_id) DO UPDATE SET
            media_type = excluded.media_type, rating = excluded.rating, review = excluded.review,
            spoiler = excluded.spoiler, rated_at = excluded.rated_at, updated_at = excluded.updated_at,
            source = excluded.source, given_value = excluded.given_value, given_scale = excluded.given_scale,
            play_id = excluded.play_id, version = excluded.version
    ), logged AS (
        INSERT INTO rating_events (
            user_id, version, media_id, media_type, old_rating, rating, review, spoiler, rated_at, given_value,
            given_scale, play_id, source, batch_id, changed_at
        )
        SELECT c.user_id, c.version, c.media_id, c.media_type, c.old_rating, c.rating, c.review, c.spoiler, c.rated_at,
            c.given_value, c.given_scale, c.play_id, c.source, c.batch_id, moment
        FROM change c
    ), outcome AS MATERIALIZED (
        SELECT n.request, array_agg(n.result ORDER BY n.place) AS results,
            array_agg(n.version ORDER BY n.place) AS versions, min(n.place) AS first_place
        FROM numbered n
        GROUP BY n.request
    ), kept AS (
        INSERT INTO idempotency_keys (user_id, key, request_hash, results, versions, created_at)
        SELECT a.user_id, a.key, a.hash, coalesce(o.results, '{}'), coalesce(o.versions, '{}'), moment
        FROM asked a LEFT JOIN outcome o ON o.request = a.request
        -- A refused precondition has no effect to repeat.
        WHERE a.fate = 'done' AND a.key IS NOT NULL AND NOT coalesce('mismatch' = ANY (o.results), false)
    ), counted AS MATERIALIZED (
        SELECT count_ratings(
            array_agg(d.media_id), array_agg(d.slot), array_agg(d.sign), array_agg(d.rating)) AS nothing
        FROM (
            SELECT c.media_id, c.slot, 1 AS sign, c.rating FROM change c WHERE c.rating IS NOT NULL
            UNION ALL
            SELECT c.media_id, c.slot, -1, c.old_rating FROM change c WHERE c.old_rating IS NOT NULL
        ) d
    )
    SELECT a.request, a.fate, coalesce(o.results, a.results, '{}'), coalesce(o.versions, a.versions, '{}'),
        n.media_id, n.rating, n.review, n.spoiler,
        CASE WHEN n.result = 'same' THEN n.old_rated_at ELSE n.rated_at END,
        CASE WHEN n.result = 'same' THEN n.old_updated_at ELSE moment END,
        CASE WHEN n.result = 'same' THEN n.old_source ELSE n.source END
    FROM asked a
    CROSS JOIN counted
    LEFT JOIN outcome o ON o.request = a.request
    LEFT JOIN numbered n ON n.place = o.first_place AND a.detail
    ORDER BY a.request;
END $$;

-- Moves the ratings of merged titles to those that stayed, `many` of them at most. Where a person has several for one
-- title the newest stays; each that goes is in the history, and so is the one that comes.
CREATE FUNCTION move_ratings(from_ids uuid[], many integer, moment timestamptz)
    RETURNS TABLE (moved bigint, met bigint)
    LANGUAGE plpgsql
    SET jit = off
    AS $$
#variable_conflict use_column
DECLARE
    people uuid[];
BEGIN
    SELECT array_agg(DISTINCT found.user_id) INTO people
    FROM (SELECT u.user_id FROM user_ratings u WHERE u.media_id = ANY (from_ids) LIMIT many) AS found;
    IF people IS NULL THEN
        RETURN QUERY SELECT 0::bigint, 0::bigint;
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(lock.key)
    FROM (SELECT DISTINCT rating_lock(person) AS key FROM unnest(people) AS person ORDER BY 1) AS lock;

    RETURN QUERY
    WITH leaving AS MATERIALIZED (
        SELECT u.user_id, u.media_id, m.to_id, u.media_type, u.rating, u.review, u.spoiler, u.rated_at, u.given_value,
            u.given_scale, u.play_id, u.version
        FROM user_ratings u JOIN merged_titles m ON m.from_id = u.media_id
        WHERE u.user_id = ANY (people) AND u.media_id = ANY (from_ids)
    ), staying AS MATERIALIZED (
        SELECT u.user_id, u.media_id, u.rating, u.rated_at, u.version
        FROM user_ratings u
        WHERE (u.user_id, u.media_id) IN (SELECT l.user_id, l.to_id FROM leaving l)
    ), newest AS MATERIALIZED (
        SELECT DISTINCT ON (l.user_id, l.to_id) l.user_id, l.media_id, l.to_id, l.media_type, l.rating, l.review,
            l.spoiler, l.rated_at, l.given_value, l.given_scale, l.play_id, l.version
        FROM leaving l ORDER BY l.user_id, l.to_id, l.rated_at DESC, l.version DESC
    ), arriving AS MATERIALIZED (
        SELECT n.user_id, n.to_id, n.media_type, n.rating, n.review, n.spoiler, n.rated_at, n.given_value, n.given_scale,
            n.play_id, s.rating AS old_rating
        FROM newest n LEFT JOIN staying s ON s.user_id = n.user_id AND s.media_id = n.to_id
        WHERE s.user_id IS NULL OR (n.rated_at, n.version) > (s.rated_at, s.version)
    ), event AS MATERIALIZED (
        SELECT e.user_id, e.media_id, e.media_type, e.old_rating, e.rating, e.review, e.spoiler, e.rated_at,
            e.given_value, e.given_scale, e.play_id, coalesce(v.version, 0)
                + row_number() OVER (PARTITION BY e.user_id ORDER BY e.step, e.media_id) AS version
        FROM (
            SELECT 1 AS step, l.user_id, l.media_id, l.media_type, l.rating AS old_rating, NULL::numeric AS rating,
                NULL::text AS review, false AS spoiler, NULL::timestamptz AS rated_at, NULL::numeric AS given_value,
                NULL::text AS given_scale, NULL::uuid AS play_id
            FROM leaving l
            UNION ALL
            SELECT 2, a.user_id, a.to_id, a.media_type, a.old_rating, a.rating, a.review, a.spoiler, a.rated_at,
                a.given_value, a.given_scale, a.play_id
            FROM arriving a
        ) AS e LEFT JOIN user_versions v ON v.user_id = e.user_id
    ), versioned AS (
        INSERT INTO user_versions (user_id, version)
        SELECT e.user_id, max(e.version) FROM event e GROUP BY e.user_id
        ON CONFLICT (user_id) DO UPDATE SET version = excluded.version
    ), removed AS (
        DELETE FROM user_ratings u USING leaving l WHERE u.user_id = l.user_id AND u.media_id = l.media_id
    ), written AS (
        INSERT INTO user_ratings (
            user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at, source, given_value,
            given_scale, play_id, version
        )
        SELECT e.user_id, e.media_type, e.media_id, e.rating, e.review, e.spoiler, e.rated_at, moment, 'merge',
            e.given_value, e.given_scale, e.play_id, e.version
        FROM event e WHERE e.rating IS NOT NULL
        ON CONFLICT (user_id, media_id) DO UPDATE SET
            media_type = excluded.media_type, rating = excluded.rating, review = excluded.review,
            spoiler = excluded.spoiler, rated_at = excluded.rated_at, updated_at = excluded.updated_at,
            source = excluded.source, given_value = excluded.given_value, given_scale = excluded.given_scale,
            play_id = excluded.play_id, version = excluded.version
    ), logged AS (
        INSERT INTO rating_events (
            user_id, version, media_id, media_type, old_rating, rating, review, spoiler, rated_at, given_value,
            given_scale, play_id, source, changed_at
        )
        SELECT e.user_id, e.version, e.media_id, e.media_type, e.old_rating, e.rating, e.review, e.spoiler, e.rated_at,
            e.given_value, e.given_scale, e.play_id, 'merge', moment
        FROM event e
    ), counted AS MATERIALIZED (
        SELECT count_ratings(
            array_agg(d.media_id), array_agg(rating_slot(d.user_id)), array_agg(d.sign), array_agg(d.rating)) AS nothing
        FROM (
            SELECT e.user_id, e.media_id, 1 AS sign, e.rating FROM event e WHERE e.rating IS NOT NULL
            UNION ALL
            SELECT e.user_id, e.media_id, -1, e.old_rating FROM event e WHERE e.old_rating IS NOT NULL
        ) d
    )
    SELECT (SELECT count(*) FROM leaving),
        (SELECT count(*) FROM leaving) + (SELECT count(*) FROM staying)
            - (SELECT count(*) FROM (SELECT DISTINCT l.user_id, l.to_id FROM leaving l) AS titles)
    FROM counted;
END $$;

-- Takes `many` of a deleted person's ratings away, from the aggregates too; how many there were.
CREATE FUNCTION forget_ratings(person uuid, many integer) RETURNS bigint
    LANGUAGE sql
    SET jit = off
    AS $$
    WITH gone AS MATERIALIZED (
        DELETE FROM user_ratings u
        WHERE u.user_id = person AND u.media_id IN (
            SELECT o.media_id FROM user_ratings o WHERE o.user_id = person ORDER BY o.media_id LIMIT many
        )
        RETURNING u.media_id, u.rating
    ), counted AS MATERIALIZED (
        SELECT count_ratings(
            array_agg(g.media_id), array_agg(rating_slot(person)), array_agg(-1), array_agg(g.rating)) AS nothing
        FROM gone g
    )
    SELECT (SELECT count(*) FROM gone) FROM counted
    $$;

-- What was there before: one event for each rating, and the figures that follow from them.
INSERT INTO rating_events (
    user_id, version, media_id, media_type, rating, review, spoiler, rated_at, source, changed_at
)
SELECT user_id, row_number() OVER (PARTITION BY user_id ORDER BY updated_at, media_id), media_id, media_type, rating,
    review, spoiler, rated_at, 'person', updated_at
FROM user_ratings;
UPDATE user_ratings u SET version = e.version
FROM rating_events e WHERE e.user_id = u.user_id AND e.media_id = u.media_id;
INSERT INTO user_versions (user_id, version) SELECT user_id, max(version) FROM rating_events GROUP BY user_id;
SELECT count_ratings(
    array_agg(media_id), array_agg(rating_slot(user_id)), array_agg(1), array_agg(rating)) FROM user_ratings;
