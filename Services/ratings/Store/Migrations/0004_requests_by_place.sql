-- change_ratings without joins of its own intermediate results. Hash and merge joins are off there, so each was a nested loop,
-- and its cost the square of how many people write at once. What is known of a request is now taken from arrays by its place.
-- The aggregates are added to within the same statement: a call of count_ratings plans its statement anew each time.
-- What it takes and answers is as before, see 0002.
CREATE OR REPLACE FUNCTION change_ratings(
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
DECLARE
    -- By the place of a request. What a key was answered before is text, since arrays in an array must be of one length.
    fates text[];
    last_versions bigint[];
    past_results text[];
    past_versions text[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7102);
    PERFORM pg_advisory_xact_lock(lock.key)
    FROM (SELECT DISTINCT rating_lock(person) AS key FROM unnest(people) AS person ORDER BY 1) AS lock;

    -- Two statements read after the locks, each with a snapshot of its own. They see the same: until the transaction ends
    -- whoever would change these people's ratings, versions and keys, bury them or merge titles waits for the locks. What is
    -- left of people who are gone goes without them, and so do keys that are a day old; keys are read once, here.
    -- OFFSET 0: one look-up by index for each request, also where the plan is made while a table is empty.
    SELECT array_agg(r.fate), array_agg(r.version), array_agg(r.results), array_agg(r.versions)
    INTO fates, last_versions, past_results, past_versions
    FROM (
        SELECT
            CASE
                WHEN d.user_id IS NOT NULL THEN 'gone'
                WHEN k.user_id IS NULL THEN 'done'
                WHEN k.request_hash = g.hash THEN 'replayed'
                ELSE 'reused'
            END AS fate,
            coalesce(v.version, 0) AS version, k.results::text AS results, k.versions::text AS versions
        FROM unnest(people, keys, hashes) WITH ORDINALITY AS g (user_id, key, hash, place)
        LEFT JOIN LATERAL (SELECT p.user_id FROM deleted_users p WHERE p.user_id = g.user_id OFFSET 0) AS d ON true
        LEFT JOIN LATERAL (
            SELECT p.user_id, p.request_hash, p.results, p.versions
            FROM idempotency_keys p WHERE p.user_id = g.user_id AND p.key = g.key OFFSET 0
        ) AS k ON true
        LEFT JOIN LATERAL (SELECT p.version FROM user_versions p WHERE p.user_id = g.user_id OFFSET 0) AS v ON true
        ORDER BY g.place
    ) AS r;

    RETURN QUERY
    WITH item AS (
        SELECT i.place, i.request, people[i.request] AS user_id, coalesce(m.to_id, i.media_id) AS media_id, i.media_type,
            i.rating, i.review, i.spoiler, i.rated_at, i.given_value, i.given_scale, i.play_id, i.expected, i.refusal,
            i.place < max(i.place) OVER (PARTITION BY people[i.request], coalesce(m.to_id, i.media_id)) AS is_repeated
        FROM (
            SELECT g.place, coalesce(g.request, g.place::integer) AS request, g.media_id, g.media_type, g.rating, g.review,
                g.spoiler, g.rated_at, g.given_value, g.given_scale, g.play_id, g.expected, g.refusal
            FROM unnest(
                item_requests, item_titles, item_kinds, item_ratings, item_reviews, item_spoilers, item_moments,
                item_given_values, item_given_scales, item_plays, item_expected, item_refusals
            ) WITH ORDINALITY AS g (
                request, media_id, media_type, rating, review, spoiler, rated_at, given_value, given_scale, play_id,
                expected, refusal, place
            )
        ) AS i
        LEFT JOIN LATERAL (SELECT p.to_id FROM merged_titles p WHERE p.from_id = i.media_id OFFSET 0) AS m ON true
        WHERE fates[i.request] = 'done'
    ), known AS (
        SELECT i.place, i.request, i.user_id, newers[i.request] AS newer, i.media_id,
            coalesce(i.media_type, o.media_type) AS media_type, i.rating, i.rated_at, i.given_value, i.given_scale,
            i.play_id, i.expected, i.refusal, i.is_repeated,
            CASE WHEN i.review IS NULL THEN o.review ELSE nullif(i.review, '') END AS review,
            coalesce(i.spoiler, o.spoiler, false) AS spoiler,
            o.media_id IS NOT NULL AS is_known, o.rating AS old_rating, o.review AS old_review,
            o.spoiler AS old_spoiler, o.rated_at AS old_rated_at, o.given_value AS old_given_value,
            o.given_scale AS old_given_scale, o.play_id AS old_play_id, o.version AS old_version,
            o.updated_at AS old_updated_at, o.source AS old_source
        FROM item i
        LEFT JOIN LATERAL (
            SELECT p.media_id, p.media_type, p.rating, p.review, p.spoiler, p.rated_at, p.given_value, p.given_scale,
                p.play_id, p.version, p.updated_at, p.source
            FROM user_ratings p WHERE p.user_id = i.user_id AND p.media_id = i.media_id OFFSET 0
        ) AS o ON true
    ), judged AS (
        SELECT k.place, k.request, k.user_id, k.media_id, k.media_type, k.rating, k.review, k.spoiler, k.rated_at,
            k.given_value, k.given_scale, k.play_id, k.old_rating, k.old_version, k.old_updated_at, k.old_source,
            k.old_rated_at,
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
                -- What an undoing has taken away was not removed by its person.
                WHEN k.newer AND NOT k.is_known AND k.rated_at <= (
                    SELECT e.changed_at FROM rating_events e
                    WHERE e.user_id = k.user_id AND e.media_id = k.media_id AND e.rating IS NULL AND e.source <> 'undo'
                    ORDER BY e.version DESC LIMIT 1
                ) THEN 'older'
                WHEN k.rating IS NULL THEN 'removed'
                WHEN k.is_known THEN 'updated'
                ELSE 'created'
            END AS result
        FROM known k
        -- Judged once, not wherever the result is named.
        OFFSET 0
    ), numbered AS MATERIALIZED (
        SELECT j.place, j.request, j.user_id, sources[j.request] AS source, j.media_id, j.media_type, j.rating, j.review,
            j.spoiler, j.rated_at, j.given_value, j.given_scale, j.play_id, j.old_rating, j.old_updated_at, j.old_source,
            j.old_rated_at, j.result, j.result IN ('created', 'updated', 'removed') AS is_change,
            CASE
                WHEN j.result IN ('created', 'updated', 'removed') THEN last_versions[j.request]
                    + count(*) FILTER (WHERE j.result IN ('created', 'updated', 'removed'))
                        OVER (PARTITION BY j.user_id ORDER BY j.place)
                ELSE j.old_version
            END AS version
        FROM judged j
    ), counted AS (
        -- As count_ratings does, in the same order. Postgres runs such parts from the last to the first, so this stands first:
        -- what many write is locked last. No result depends on it.
        INSERT INTO rating_aggregates AS a (media_id, slot, count, sum_tenths, histogram)
        SELECT d.media_id, d.slot, sum(d.sign), sum(d.sign * (d.rating * 10)::bigint),
            ARRAY[
                coalesce(sum(d.sign) FILTER (WHERE d.bucket = 1), 0), coalesce(sum(d.sign) FILTER (WHERE d.bucket = 2), 0),
                coalesce(sum(d.sign) FILTER (WHERE d.bucket = 3), 0), coalesce(sum(d.sign) FILTER (WHERE d.bucket = 4), 0),
                coalesce(sum(d.sign) FILTER (WHERE d.bucket = 5), 0), coalesce(sum(d.sign) FILTER (WHERE d.bucket = 6), 0),
                coalesce(sum(d.sign) FILTER (WHERE d.bucket = 7), 0), coalesce(sum(d.sign) FILTER (WHERE d.bucket = 8), 0),
                coalesce(sum(d.sign) FILTER (WHERE d.bucket = 9), 0), coalesce(sum(d.sign) FILTER (WHERE d.bucket = 10), 0)
            ]
        FROM (
            SELECT n.media_id, rating_slot(n.user_id) AS slot, 1 AS sign, n.rating, rating_bucket(n.rating) AS bucket
            FROM numbered n WHERE n.is_change AND n.rating IS NOT NULL
            UNION ALL
            SELECT n.media_id, rating_slot(n.user_id), -1, n.old_rating, rating_bucket(n.old_rating)
            FROM numbered n WHERE n.is_change AND n.old_rating IS NOT NULL
        ) AS d
        GROUP BY d.media_id, d.slot
        ORDER BY d.media_id, d.slot
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
    ), versioned AS (
        INSERT INTO user_versions (user_id, version)
        SELECT n.user_id, max(n.version) FROM numbered n WHERE n.is_change GROUP BY n.user_id
        ON CONFLICT (user_id) DO UPDATE SET version = excluded.version
    ), removed AS (
        DELETE FROM user_ratings u USING numbered n
        WHERE u.user_id = n.user_id AND u.media_id = n.media_id AND n.is_change AND n.rating IS NULL
    ), written AS (
        INSERT INTO user_ratings (
            user_id, media_type, media_id, rating, review, spoiler, rated_at, updated_at, source, given_value,
            given_scale, play_id, version
        )
        SELECT n.user_id, n.media_type, n.media_id, n.rating, n.review, n.spoiler, n.rated_at, moment, n.source,
            n.given_value, n.given_scale, n.play_id, n.version
        FROM numbered n WHERE n.is_change AND n.rating IS NOT NULL
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
        SELECT n.user_id, n.version, n.media_id, n.media_type, n.old_rating, n.rating,
            CASE WHEN n.rating IS NOT NULL THEN n.review END, n.rating IS NOT NULL AND n.spoiler,
            CASE WHEN n.rating IS NOT NULL THEN n.rated_at END, n.given_value, n.given_scale, n.play_id, n.source,
            batches[n.request], moment
        FROM numbered n WHERE n.is_change
    ), outcome AS MATERIALIZED (
        -- The first row of each request: of its items with what became of all, or its own, which is empty. That comes after
        -- the items, or before them where no details are asked for.
        SELECT b.request, b.results, b.versions, b.result, b.media_id, b.rating, b.review, b.spoiler, b.rated_at, b.source,
            b.old_rated_at, b.old_updated_at, b.old_source
        FROM (
            SELECT r.request, r.result, r.media_id, r.rating, r.review, r.spoiler, r.rated_at, r.source, r.old_rated_at,
                r.old_updated_at, r.old_source, row_number() OVER whole AS number,
                array_agg(r.result) FILTER (WHERE r.result IS NOT NULL) OVER whole AS results,
                array_agg(r.version) FILTER (WHERE r.result IS NOT NULL) OVER whole AS versions
            FROM (
                SELECT n.request, n.place, n.result, n.version, n.media_id, n.rating, n.review, n.spoiler, n.rated_at,
                    n.source, n.old_rated_at, n.old_updated_at, n.old_source
                FROM numbered n
                UNION ALL
                SELECT g.place::integer, CASE WHEN g.detail THEN NULL ELSE 0 END, NULL, NULL, NULL, NULL, NULL, NULL,
                    NULL, NULL, NULL, NULL, NULL
                FROM unnest(fates, details) WITH ORDINALITY AS g (fate, detail, place)
            ) AS r
            WINDOW whole AS (
                PARTITION BY r.request ORDER BY r.place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
        ) AS b
        WHERE b.number = 1
    ), kept AS (
        INSERT INTO idempotency_keys (user_id, key, request_hash, results, versions, created_at)
        SELECT people[o.request], keys[o.request], hashes[o.request], coalesce(o.results, '{}'),
            coalesce(o.versions, '{}'), moment
        FROM outcome o
        -- A refused precondition has no effect to repeat.
        WHERE fates[o.request] = 'done' AND keys[o.request] IS NOT NULL
            AND NOT coalesce('mismatch' = ANY (o.results), false)
    )
    SELECT o.request, fates[o.request], coalesce(o.results, past_results[o.request]::text[], '{}'),
        coalesce(o.versions, past_versions[o.request]::bigint[], '{}'), o.media_id, o.rating, o.review, o.spoiler,
        CASE WHEN o.result = 'same' THEN o.old_rated_at ELSE o.rated_at END,
        CASE WHEN o.result = 'same' THEN o.old_updated_at ELSE moment END,
        CASE WHEN o.result = 'same' THEN o.old_source ELSE o.source END
    FROM outcome o
    ORDER BY o.request;
END $$;
