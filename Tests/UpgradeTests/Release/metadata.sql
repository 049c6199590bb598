-- What the metadata service of the previous release has stored: three films, one of which took over another, a series with a
-- season and two episodes, and a film that no provider knows.
INSERT INTO titles (id, kind, name, original_name, year, release_date, overview, runtime_minutes, genres, certification,
    external_ratings, vote_average, vote_count, is_local, enriched_at, created_at, updated_at, end_date, children_at)
VALUES
    ('01920000-0000-7000-8000-000000000101', 'movie', 'The Lighthouse Keeper''s Clock', NULL, 2019, '2019-10-11',
        'A keeper notices that the clock runs ahead.', 118, '{Drama,Mystery}', 'PG-13',
        '[{"source": "imdb", "name": "IMDb", "value": "8.1/10", "score": 81, "votes": 152340, "via": "omdb",
            "fetched_at": "2024-06-01T12:00:00Z", "status": "fresh"}]',
        8.1, 152340, false, now(), '2024-01-01T00:00:00Z', now(), NULL, NULL),
    ('01920000-0000-7000-8000-000000000102', 'movie', 'Ninefold Winter', NULL, 2021, '2021-01-22', NULL, 136, '{Drama}',
        'R', '[]', NULL, NULL, false, now(), '2024-01-01T00:00:00Z', now(), NULL, NULL),
    ('01920000-0000-7000-8000-000000000103', 'movie', 'A Map of Quiet Rivers', NULL, 2016, '2016-05-06', NULL, 104,
        '{Drama,Romance}', 'PG', '[]', NULL, NULL, false, now(), '2024-01-01T00:00:00Z', now(), NULL, NULL),
    ('01920000-0000-7000-8000-000000000104', 'movie', 'Grandmother''s Reel', NULL, 1961, NULL, NULL, NULL, '{}', NULL,
        '[]', NULL, NULL, true, NULL, '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z', NULL, NULL),
    ('01920000-0000-7000-8000-000000000201', 'series', 'The Harbour Office', NULL, 2017, '2017-09-06', NULL, 24,
        '{Comedy}', 'TV-PG', '[]', NULL, NULL, false, now(), '2024-01-01T00:00:00Z', now(), '2020-10-14', now());
INSERT INTO titles (id, kind, parent_id, season_number, episode_number, name, year, release_date, runtime_minutes,
    is_local, enriched_at, created_at, updated_at, children_at)
VALUES
    ('01920000-0000-7000-8000-000000000211', 'season', '01920000-0000-7000-8000-000000000201', 1, NULL, 'Season 1', 2017,
        '2017-09-06', NULL, false, now(), '2024-01-01T00:00:00Z', now(), now()),
    ('01920000-0000-7000-8000-000000000221', 'episode', '01920000-0000-7000-8000-000000000201', 1, 1, 'Tide Tables', 2017,
        '2017-09-06', 24, false, now(), '2024-01-01T00:00:00Z', now(), NULL),
    ('01920000-0000-7000-8000-000000000222', 'episode', '01920000-0000-7000-8000-000000000201', 1, 2, 'Form 12', 2017,
        '2017-09-13', 24, false, now(), '2024-01-01T00:00:00Z', now(), NULL);

INSERT INTO title_redirects (old_id, new_id, merged_at)
VALUES ('01920000-0000-7000-8000-000000000109', '01920000-0000-7000-8000-000000000101', '2024-03-01T00:00:00Z');

INSERT INTO external_ids (source, kind, value, title_id)
VALUES
    ('imdb', 'movie', 'tt9100001', '01920000-0000-7000-8000-000000000101'),
    ('tmdb', 'movie', '910001', '01920000-0000-7000-8000-000000000101'),
    ('imdb', 'movie', 'tt9100002', '01920000-0000-7000-8000-000000000102'),
    ('tmdb', 'movie', '910002', '01920000-0000-7000-8000-000000000102'),
    ('imdb', 'movie', 'tt9100003', '01920000-0000-7000-8000-000000000103'),
    ('tmdb', 'movie', '910003', '01920000-0000-7000-8000-000000000103'),
    ('imdb', 'series', 'tt9100102', '01920000-0000-7000-8000-000000000201'),
    ('tmdb', 'series', '910102', '01920000-0000-7000-8000-000000000201'),
    ('tvdb', 'series', '910102', '01920000-0000-7000-8000-000000000201');

INSERT INTO provider_outcomes (title_id, provider, outcome, detail, asked_at, next_at)
VALUES
    ('01920000-0000-7000-8000-000000000101', 'tmdb', 'ok', NULL, now(), now() + interval '7 days'),
    ('01920000-0000-7000-8000-000000000101', 'kitsu', 'not_mapped', 'no id', now(), NULL);

INSERT INTO title_names (title_id, name, words)
VALUES
    ('01920000-0000-7000-8000-000000000101', 'The Lighthouse Keeper''s Clock', 'the lighthouse keepers clock'),
    ('01920000-0000-7000-8000-000000000102', 'Ninefold Winter', 'ninefold winter'),
    ('01920000-0000-7000-8000-000000000201', 'The Harbour Office', 'the harbour office');
INSERT INTO title_keys (key, title_id)
VALUES
    ('lighthouse keepers clock', '01920000-0000-7000-8000-000000000101'),
    ('ninefold winter', '01920000-0000-7000-8000-000000000102');

INSERT INTO title_refresh (title_id, due_at, fence, attempts)
SELECT id, now() + interval '7 days', 3, 0 FROM titles WHERE kind IN ('movie', 'series');

INSERT INTO rating_history (title_id, source, at, value, score, votes, via)
VALUES
    ('01920000-0000-7000-8000-000000000101', 'imdb', '2024-02-01T12:00:00Z', '8.0/10', 80, 150000, 'omdb'),
    ('01920000-0000-7000-8000-000000000101', 'imdb', '2024-06-01T12:00:00Z', '8.1/10', 81, 152340, 'omdb');

INSERT INTO provider_facts (title_id, provider, facts, fetched_at)
VALUES ('01920000-0000-7000-8000-000000000101', 'tmdb',
    '{"provider": "tmdb", "kind": "movie", "fetched_at": 1717243200000, "ids": {"imdb": "tt9100001", "tmdb": 910001},
        "name": "The Lighthouse Keeper''s Clock", "released": "2019-10-11", "runtime": 118}', '2024-06-01T12:00:00Z');

UPDATE provider_quota SET free_at = '2024-06-01T12:00:00Z', day = '2024-06-01', day_calls = 412 WHERE provider = 'omdb';
INSERT INTO provider_health (provider, failures, state, answered_at, failed_at)
VALUES ('omdb', 0, 'serving', '2024-06-01T12:00:00Z', '2024-05-01T12:00:00Z');
INSERT INTO provider_entries (provider, entry, asked_at, facts) VALUES ('anidb', '7729', now(), 'null');
