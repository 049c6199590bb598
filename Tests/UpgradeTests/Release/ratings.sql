-- What the ratings service of the previous release has stored; written by the one way in which ratings changed then. Walter
-- rated three films and a series, changed his mind about one, took one back, and brought one in with an import.
SELECT change_ratings(
    ARRAY['01920000-0000-7000-8000-00000000a001']::uuid[], ARRAY[w.key], ARRAY[sha256(convert_to(w.key, 'UTF8'))],
    ARRAY[w.source], ARRAY[w.batch]::uuid[], ARRAY[false], ARRAY[true], ARRAY[1], ARRAY[w.title]::uuid[], ARRAY[w.kind],
    ARRAY[w.rating]::numeric[], ARRAY[w.review], ARRAY[w.spoiler], ARRAY[w.at]::timestamptz[], ARRAY[w.value]::numeric[],
    ARRAY[w.scale], ARRAY[NULL]::uuid[], ARRAY[NULL]::bigint[], ARRAY[NULL]::text[], w.at)
FROM (VALUES
    (1, 'first-of-101', 'person', NULL, '01920000-0000-7000-8000-000000000101', 'movie', 6.5, 'Look at the clock.', true,
        '2024-01-04T21:00:00Z'::timestamptz, 6.5, 'ten_decimal'),
    (2, NULL, 'person', NULL, '01920000-0000-7000-8000-000000000101', 'movie', 8.5, NULL, NULL, '2024-02-04T21:00:00Z', NULL,
        NULL),
    (3, NULL, 'trakt', NULL, '01920000-0000-7000-8000-000000000102', 'movie', 7.0, NULL, NULL, '2024-02-05T21:00:00Z', 7,
        'ten'),
    (4, NULL, 'letterboxd', '01920000-0000-7000-8000-00000000ba01', '01920000-0000-7000-8000-000000000102', 'movie', 4.0,
        'Colder than I remembered.', NULL, '2024-05-01T10:00:00Z', 2, 'five_stars'),
    (5, NULL, 'person', NULL, '01920000-0000-7000-8000-000000000201', 'series', 9.0, NULL, NULL, '2024-03-01T21:00:00Z', NULL,
        NULL),
    (6, NULL, 'person', NULL, '01920000-0000-7000-8000-000000000103', 'movie', 3.0, NULL, NULL, '2024-03-02T21:00:00Z', NULL,
        NULL),
    (7, NULL, 'person', NULL, '01920000-0000-7000-8000-000000000103', 'movie', NULL, NULL, NULL, '2024-03-03T21:00:00Z', NULL,
        NULL)
) AS w (place, key, source, batch, title, kind, rating, review, spoiler, at, value, scale)
ORDER BY w.place;
SELECT change_ratings(
    ARRAY['01920000-0000-7000-8000-00000000a002']::uuid[], ARRAY[NULL]::text[], ARRAY[NULL]::bytea[], ARRAY['person'],
    ARRAY[NULL]::uuid[], ARRAY[false], ARRAY[true], ARRAY[1], ARRAY['01920000-0000-7000-8000-000000000101']::uuid[],
    ARRAY['movie'], ARRAY[5.5], ARRAY[NULL]::text[], ARRAY[NULL]::boolean[], ARRAY['2024-01-05T21:00:00Z']::timestamptz[],
    ARRAY[NULL]::numeric[], ARRAY[NULL]::text[], ARRAY[NULL]::uuid[], ARRAY[NULL]::bigint[], ARRAY[NULL]::text[],
    '2024-01-05T21:00:00Z');
-- Keys are kept for a day.
UPDATE idempotency_keys SET created_at = now() - interval '1 hour';
INSERT INTO deleted_users (user_id, deleted_at) VALUES ('01920000-0000-7000-8000-00000000a0ff', now() - interval '1 minute');
INSERT INTO merged_titles (from_id, to_id)
VALUES ('01920000-0000-7000-8000-000000000109', '01920000-0000-7000-8000-000000000101');
