-- What the scrobble service of the previous release has stored. Walter (…a001) has a history, an import that was applied, one
-- that rests and one under way, lists, a connection to Trakt with a job in every state, and a hook; Skyler (…a002) shares the
-- hook, and her connection is stopped since Trakt said that her account is full.

-- Titles
INSERT INTO title_refs (title_id, kind, series_id, season_number, episode_number, released_on, runtime_minutes, fetched_at)
VALUES
    ('01920000-0000-7000-8000-000000000101', 'movie', NULL, NULL, NULL, '2019-10-11', 118, now()),
    ('01920000-0000-7000-8000-000000000102', 'movie', NULL, NULL, NULL, '2021-01-22', 136, now()),
    ('01920000-0000-7000-8000-000000000103', 'movie', NULL, NULL, NULL, '2016-05-06', 104, now()),
    ('01920000-0000-7000-8000-000000000221', 'episode', '01920000-0000-7000-8000-000000000201', 1, 1, '2017-09-06', 24, now()),
    ('01920000-0000-7000-8000-000000000222', 'episode', '01920000-0000-7000-8000-000000000201', 1, 2, '2017-09-13', 24, now());
INSERT INTO series_refs (series_id, episodes_at) VALUES ('01920000-0000-7000-8000-000000000201', now());
INSERT INTO merged_titles (from_id, to_id)
VALUES ('01920000-0000-7000-8000-000000000109', '01920000-0000-7000-8000-000000000101');
INSERT INTO feed_places (feed, place) VALUES ('metadata.redirects', 1);
INSERT INTO remote_titles (provider, kind, number, title_id)
VALUES ('trakt', 'movie', 900001, '01920000-0000-7000-8000-000000000101');

-- What Walter did himself
INSERT INTO plays (user_id, id, title_id, kind, watched_at, watched_on, precision, percent, listed_at, created_at, removed_at,
    runtime_minutes, series_id)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b01', '01920000-0000-7000-8000-000000000101',
        'movie', '2024-01-04T20:15:30Z', NULL, 'second', 97.5, '2024-01-04T20:15:30Z', '2024-01-04T20:15:31Z', NULL, 118, NULL),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b03', '01920000-0000-7000-8000-000000000101',
        'movie', NULL, NULL, 'unknown', NULL, '1970-01-01T00:00:00Z', '2024-01-01T09:00:00Z', NULL, 118, NULL),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b04', '01920000-0000-7000-8000-000000000221',
        'episode', '2024-03-01T19:30:00Z', NULL, 'minute', NULL, '2024-03-01T19:30:00Z', '2024-03-01T20:00:00Z', NULL, 24,
        '01920000-0000-7000-8000-000000000201'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b05', '01920000-0000-7000-8000-000000000102',
        'movie', NULL, '2023-12-24', 'day', NULL, '2023-12-24T12:00:00Z', '2024-01-01T09:00:00Z', '2024-01-02T09:00:00Z', 136,
        NULL),
    ('01920000-0000-7000-8000-00000000a002', '01920000-0000-7000-8000-000000000b11', '01920000-0000-7000-8000-000000000102',
        'movie', '2024-02-10T20:00:00Z', NULL, 'second', NULL, '2024-02-10T20:00:00Z', '2024-02-10T22:00:00Z', NULL, 136, NULL);
INSERT INTO play_sources (user_id, play_id, source, source_key, seen_at, batch_id, is_dated)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b01', 'person',
        '01920000-0000-7000-8000-000000000b01', '2024-01-04T20:15:31Z', NULL, true),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b01', 'trakt', '9001', '2024-01-05T06:00:00Z',
        NULL, true),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b03', 'person',
        '01920000-0000-7000-8000-000000000b03', '2024-01-01T09:00:00Z', NULL, false),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b04', 'person',
        '01920000-0000-7000-8000-000000000b04', '2024-03-01T20:00:00Z', NULL, true),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b05', 'person',
        '01920000-0000-7000-8000-000000000b05', '2024-01-01T09:00:00Z', NULL, true),
    ('01920000-0000-7000-8000-00000000a002', '01920000-0000-7000-8000-000000000b11', 'person',
        '01920000-0000-7000-8000-000000000b11', '2024-02-10T22:00:00Z', NULL, true);

INSERT INTO playback_settings (user_id, play_threshold_percent) VALUES ('01920000-0000-7000-8000-00000000a001', 85);
INSERT INTO playback_sessions (user_id, id, title_id, kind, state, progress_percent, started_at, updated_at, play_id,
    play_threshold_percent, expires_at, player, time_zone)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000c01', '01920000-0000-7000-8000-000000000101',
        'movie', 'stopped', 97.5, '2024-01-04T20:15:30Z', '2024-01-04T22:12:00Z', '01920000-0000-7000-8000-000000000b01', 80,
        '2024-01-05T04:12:00Z', NULL, 'Europe/Berlin'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000c02', '01920000-0000-7000-8000-000000000103',
        'movie', 'paused', 40, now() - interval '1 hour', now() - interval '10 minutes', NULL, 85, now() + interval '5 hours',
        'den', 'Europe/Berlin');

INSERT INTO watchlist_items (user_id, title_id, kind, added_at, note, source, changed_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000103', 'movie', '2024-01-10T08:00:00Z',
        'Before the import', 'person', '2024-01-10T08:00:00Z'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000201', 'series', '2024-01-11T08:00:00Z', NULL,
        'trakt', '2024-01-11T08:00:00Z');
INSERT INTO collection_items (user_id, title_id, kind, added_at, media_type, resolution, source, changed_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000101', 'movie', '2024-01-12T08:00:00Z',
    'bluray', 'hd_1080p', 'person', '2024-01-12T08:00:00Z');
INSERT INTO likes (user_id, title_id, kind, added_at, source, changed_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000101', 'movie', '2024-01-13T08:00:00Z',
    'person', '2024-01-13T08:00:00Z');
INSERT INTO watch_progress (user_id, title_id, kind, added_at, percent, source, changed_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000222', 'episode', '2024-03-02T20:00:00Z', 62.5,
    'person', '2024-03-02T20:00:00Z');
INSERT INTO lists (user_id, id, name, description, is_ranked, created_at, source, changed_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000d01', 'Lighthouses', 'Tall ones.', true,
    '2024-01-14T08:00:00Z', 'person', '2024-01-14T08:00:00Z');
INSERT INTO list_items (user_id, list_id, title_id, kind, rank, note, added_at, source, changed_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000d01', '01920000-0000-7000-8000-000000000101',
        'movie', 1, 'The best', '2024-01-14T08:00:00Z', 'person', '2024-01-14T08:00:00Z'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000d01', '01920000-0000-7000-8000-000000000102',
        'movie', 3, NULL, '2024-01-14T08:01:00Z', 'person', '2024-01-14T08:01:00Z');

-- An import that was applied; the triggers keep what its batch changed.
INSERT INTO batches (user_id, id, source, label, state, counts, undo_id, created_at, applied_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba01', 'letterboxd', 'letterboxd-walter.zip',
        'applied', '{"play": {"new": 2}, "watchlist": {"update": 1}, "like": {"new": 1}, "rating": {"update": 1}}',
        '01920000-0000-7000-8000-00000000ba0f', now() - interval '5 days', now() - interval '5 days'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba02', 'letterboxd', 'Given up', 'undone', '{}',
        '01920000-0000-7000-8000-00000000ba0e', now() - interval '9 days', NULL),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba03', 'trakt', 'Trakt', 'applied', '{}',
        '01920000-0000-7000-8000-00000000ba0d', now() - interval '4 days', now() - interval '4 days');
INSERT INTO plays (user_id, id, title_id, kind, watched_on, precision, batch_id, listed_at, created_at, runtime_minutes)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b02', '01920000-0000-7000-8000-000000000102',
        'movie', '2024-02-05', 'day', '01920000-0000-7000-8000-00000000ba01', '2024-02-05T12:00:00Z', now() - interval '5 days',
        136),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b06', '01920000-0000-7000-8000-000000000103',
        'movie', '2024-05-01', 'day', '01920000-0000-7000-8000-00000000ba01', '2024-05-01T12:00:00Z', now() - interval '5 days',
        104);
INSERT INTO play_sources (user_id, play_id, source, source_key, seen_at, batch_id, is_dated)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b02', 'letterboxd', 'https://boxd.it/a1',
        now() - interval '5 days', '01920000-0000-7000-8000-00000000ba01', true),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b06', 'letterboxd', 'https://boxd.it/a2',
        now() - interval '5 days', '01920000-0000-7000-8000-00000000ba01', true),
    -- The import tells a play as well that was there already.
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b01', 'letterboxd', 'https://boxd.it/a3',
        now() - interval '5 days', '01920000-0000-7000-8000-00000000ba01', true);
INSERT INTO play_notes (user_id, play_id, is_rewatch, tags, rating, review, is_spoiler, source, batch_id, changed_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b02', true, '{cinema,snow}', 4.0,
        'Colder than I remembered.', false, 'letterboxd', '01920000-0000-7000-8000-00000000ba01', now() - interval '5 days'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000b04', false, '{}', NULL, 'Tides.', false,
        'import', NULL, '2024-03-01T20:00:00Z');
UPDATE watchlist_items SET note = 'After the import', source = 'letterboxd', batch_id = '01920000-0000-7000-8000-00000000ba01',
    changed_at = now() - interval '5 days'
WHERE title_id = '01920000-0000-7000-8000-000000000103';
INSERT INTO likes (user_id, title_id, kind, added_at, source, batch_id, changed_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-000000000102', 'movie', '2024-05-01T08:00:00Z',
    'letterboxd', '01920000-0000-7000-8000-00000000ba01', now() - interval '5 days');

INSERT INTO imports (user_id, id, state, source, time_zone, files, kinds, digest, applies_itself, row_count, title_count,
    done_count, done_key, judged_key, counts, batch_id, due_at, fence, created_at, updated_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e001', 'applied', 'letterboxd', 'Europe/Berlin',
        '[{"name": "diary.csv", "size_bytes": 411, "row_count": 4, "recognised_as": "diary"}]', '{}', sha256('the first'),
        false, 4, 3, 3, '', '',
        '{"new": 2, "update": 0, "same": 1, "removed_by_you": 0, "ambiguous": 0, "unmatched": 1, "invalid": 0, "conflict": 0,
            "skipped": 0, "shown": 0}', '01920000-0000-7000-8000-00000000ba01', 'infinity', 9, now() - interval '5 days',
        now() - interval '5 days'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e002', 'ready', 'letterboxd', 'Europe/Berlin',
        '[{"name": "watched.csv", "size_bytes": 120, "row_count": 2, "recognised_as": "watched"}]',
        '{"watched.csv": "watched"}', sha256('the second'), false, 2, 2, 2, '', '',
        '{"new": 0, "update": 0, "same": 0, "removed_by_you": 0, "ambiguous": 0, "unmatched": 1, "invalid": 1, "conflict": 0,
            "skipped": 0, "shown": 0}', NULL, 'infinity', 4, now() - interval '2 days', now() - interval '2 days');
INSERT INTO import_items (user_id, import_id, item_key, query, match, title_id, title_kind, row_count)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e001',
        'movie' || chr(31) || 'Ninefold Winter' || chr(31) || '2021',
        '{"kind": "movie", "ids": {}, "name": "Ninefold Winter", "year": 2021}', 'known',
        '01920000-0000-7000-8000-000000000102', 'movie', 2),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e001',
        'movie' || chr(31) || 'A Map of Quiet Rivers' || chr(31) || '2016',
        '{"kind": "movie", "ids": {}, "name": "A Map of Quiet Rivers", "year": 2016}', 'known',
        '01920000-0000-7000-8000-000000000103', 'movie', 1),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e001',
        'movie' || chr(31) || 'Nobody Knows This One' || chr(31) || '1999',
        '{"kind": "movie", "ids": {}, "name": "Nobody Knows This One", "year": 1999}', 'unknown', NULL, NULL, 1),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e002',
        'movie' || chr(31) || 'Nobody Knows That One' || chr(31) || '1998',
        '{"kind": "movie", "ids": {}, "name": "Nobody Knows That One", "year": 1998}', 'unknown', NULL, NULL, 1);
INSERT INTO import_rows (user_id, import_id, place, item_key, row, verdict, reason)
SELECT '01920000-0000-7000-8000-00000000a001', r.import_id::uuid, r.place, r.item_key, r.row::jsonb, r.verdict, r.reason
FROM (VALUES
    ('01920000-0000-7000-8000-00000000e001', 0, 'movie' || chr(31) || 'Ninefold Winter' || chr(31) || '2021',
        '{"kind": "play", "file": "diary.csv", "line": 2, "title": {"kind": "movie", "ids": {}, "name": "Ninefold Winter",
            "year": 2021}, "watched_on": "2024-02-05", "precision": "day", "rewatch": true, "tags": ["cinema", "snow"],
            "key": "https://boxd.it/a1"}', 'new', NULL),
    ('01920000-0000-7000-8000-00000000e001', 1, 'movie' || chr(31) || 'Ninefold Winter' || chr(31) || '2021',
        '{"kind": "review", "file": "diary.csv", "line": 2, "title": {"kind": "movie", "ids": {}, "name": "Ninefold Winter",
            "year": 2021}, "text": "Colder than I remembered.", "rating": 4, "given": {"value": 2, "scale": "five_stars"}}',
        'same', 'part of another row'),
    ('01920000-0000-7000-8000-00000000e001', 2, 'movie' || chr(31) || 'A Map of Quiet Rivers' || chr(31) || '2016',
        '{"kind": "play", "file": "diary.csv", "line": 3, "title": {"kind": "movie", "ids": {}, "name":
            "A Map of Quiet Rivers", "year": 2016}, "watched_on": "2024-05-01", "precision": "day",
            "key": "https://boxd.it/a2"}', 'new', NULL),
    ('01920000-0000-7000-8000-00000000e001', 3, 'movie' || chr(31) || 'Nobody Knows This One' || chr(31) || '1999',
        '{"kind": "play", "file": "diary.csv", "line": 4, "title": {"kind": "movie", "ids": {}, "name":
            "Nobody Knows This One", "year": 1999}, "watched_on": "2024-05-02", "precision": "day"}', 'unmatched', NULL),
    ('01920000-0000-7000-8000-00000000e002', 0, 'movie' || chr(31) || 'Nobody Knows That One' || chr(31) || '1998',
        '{"kind": "watched", "file": "watched.csv", "line": 2, "title": {"kind": "movie", "ids": {}, "name":
            "Nobody Knows That One", "year": 1998}}', 'unmatched', NULL),
    ('01920000-0000-7000-8000-00000000e002', 1, NULL,
        '{"kind": "watched", "file": "watched.csv", "line": 3, "problems": ["it has no name"]}', 'invalid', 'it has no name')
) AS r (import_id, place, item_key, row, verdict, reason);
INSERT INTO match_overrides (user_id, item_key, title_id, changed_at)
VALUES ('01920000-0000-7000-8000-00000000a001', 'movie' || chr(31) || 'Lighthouse' || chr(31) || '2019',
    '01920000-0000-7000-8000-000000000101', now() - interval '5 days');
-- One that waits for being read.
INSERT INTO imports (user_id, id, state, time_zone, digest, due_at, created_at, updated_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e003', 'reading', 'Europe/Berlin',
    sha256('the third'), now(), now() - interval '1 minute', now() - interval '1 minute');
INSERT INTO import_files (user_id, import_id, number, name, size_bytes)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e003', 0, 'ratings.csv', 111);
INSERT INTO import_chunks (user_id, import_id, file, start, bytes)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000e003', 0, 0,
    convert_to(E'Date,Name,Year,Letterboxd URI,Rating\n2024-05-09,Lighthouse,2019,https://boxd.it/b1,4\n'
        '2024-05-10,Nobody,1,,4.5\n', 'UTF8'));
UPDATE import_files f SET size_bytes = length(c.bytes) FROM import_chunks c WHERE c.import_id = f.import_id;

-- Connections. The tokens were sealed with the keys that the tests give their services.
INSERT INTO scrobble_connections (user_id, provider, access_token_encrypted, refresh_token_encrypted, token_expires_at,
    enabled, sync_ratings, sync_watch_status, sync_library, scrobble_threshold_percent, state, state_reason, connected_at,
    updated_at, token_issued_at, uses_secret, account_key, account_name, polled_at, time_zone)
VALUES
    ('01920000-0000-7000-8000-00000000a001', 'trakt',
        '\x010474657374000102030405060708090a0b7ce4841f307eb82503d7975351cd4bdd313ffffedd09c1b3e29d10',
        '\x0104746573740c0d0e0f1011121314151617c5bebd007d472bff84c8f52a86ffd069143ed166fa39a335b8f6872886339107fd9361',
        now() + interval '60 days', true, true, true, false, 80, 'connected', NULL, '2024-01-01T10:00:00Z', now(),
        now() - interval '1 day', false, 'uuid-of-demo-walter', 'demo-walter', now() + interval '5 minutes',
        'Europe/Berlin'),
    ('01920000-0000-7000-8000-00000000a002', 'trakt',
        '\x01047465737418191a1b1c1d1e1f20212223552d5065589afe0ca8848187196746c4cf62125e12cc6bce6fb198', NULL, NULL, true,
        false, false, true, 80, 'account_limit', 'account_limit', '2024-01-01T10:00:00Z', now(), NULL, false, NULL, NULL,
        now() + interval '5 minutes', 'UTC'),
    ('01920000-0000-7000-8000-00000000a001', 'simkl', NULL, NULL, NULL, false, false, false, false, 80, 'disconnected', NULL,
        NULL, '2024-01-01T10:00:00Z', NULL, false, NULL, NULL, '-infinity', 'UTC');
INSERT INTO sync_policies (user_id, provider, facet, direction, conflicts, deletes)
VALUES
    ('01920000-0000-7000-8000-00000000a001', 'trakt', 'history', 'send', 'ours', false),
    ('01920000-0000-7000-8000-00000000a001', 'trakt', 'ratings', 'both', 'ask', false);
INSERT INTO oauth_flows (user_id, id, provider, kind, state_digest, secret_encrypted, expires_at)
VALUES ('01920000-0000-7000-8000-00000000a002', '01920000-0000-7000-8000-00000000f001', 'trakt', 'code', sha256('a state'),
    '\x0102', now() + interval '10 minutes');
INSERT INTO rate_buckets (user_id, provider, tokens, refilled_at)
VALUES ('01920000-0000-7000-8000-00000000a001', 'trakt', 900, now());

INSERT INTO sync_base (user_id, provider, facet, item_id, title_id, kind, value, their_id)
VALUES
    ('01920000-0000-7000-8000-00000000a001', 'trakt', 'history', '01920000-0000-7000-8000-000000000b01',
        '01920000-0000-7000-8000-000000000101', 'movie', '2024-01-04T20:15', 9001),
    ('01920000-0000-7000-8000-00000000a001', 'trakt', 'ratings', '01920000-0000-7000-8000-000000000102',
        '01920000-0000-7000-8000-000000000102', 'movie', '7', NULL);
INSERT INTO sync_runs (user_id, id, provider, is_dry, state, reason, calls, created_at, finished_at, fence)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba03', 'trakt', false, 'done', NULL, 7,
        now() - interval '4 days', now() - interval '4 days', 1),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba04', 'trakt', false, 'held', 'removals', 7,
        now() - interval '3 days', now() - interval '3 days', 1);
INSERT INTO sync_changes (user_id, run_id, position, facet, side, title_id, kind, was, becomes, at, state)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba03', 0, 'ratings', 'theirs',
        '01920000-0000-7000-8000-000000000102', 'movie', NULL, '7', '2024-02-05T21:00:00Z', 'done'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000ba04', 0, 'ratings', 'ours',
        '01920000-0000-7000-8000-000000000201', 'series', '9', NULL, NULL, 'held');
INSERT INTO sync_conflicts (user_id, id, provider, facet, title_id, kind, base, ours, theirs, run_id, created_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000cf01', 'trakt', 'ratings',
    '01920000-0000-7000-8000-000000000101', 'movie', '7', '9', '4', '01920000-0000-7000-8000-00000000ba03',
    now() - interval '4 days');
INSERT INTO sync_places (user_id, provider, facet, stamps, our_version, whole_at)
VALUES ('01920000-0000-7000-8000-00000000a001', 'trakt', 'ratings', E'movie=2024-02-05T21:00:00.000Z\nshow=', 3,
    now() - interval '4 days');

-- The queue: Walter's jobs of each state in his lane, Skyler's in one that is stopped.
INSERT INTO queue_lanes (user_id, provider, live_count, bulk_count, next_position, live_from, bulk_from, live_at, bulk_at,
    is_paused, fence)
VALUES
    ('01920000-0000-7000-8000-00000000a001', 'trakt', 3, 1, 9, 5, 8, now(), now(), false, 41),
    ('01920000-0000-7000-8000-00000000a002', 'trakt', 0, 1, 3, 0, 2, 'infinity', now(), true, 12);
INSERT INTO scrobble_queue (id, user_id, provider, urgency, position, media_type, media_id, action, payload, join_key,
    fingerprint, status, retry_count, next_retry_at, sends, sent_at, looks, unsettled, reason, created_at)
VALUES
    ('01920000-0000-7000-8000-00000000f101', '01920000-0000-7000-8000-00000000a001', 'trakt', 0, 5, 'movie',
        '01920000-0000-7000-8000-000000000101', 'rate', '{"rating": 9}', NULL,
        'ratings 01920000-0000-7000-8000-000000000101', 'pending', 0, now(), 0, NULL, 0, 0, NULL, now() - interval '2 hours'),
    ('01920000-0000-7000-8000-00000000f102', '01920000-0000-7000-8000-00000000a001', 'trakt', 0, 6, 'series',
        '01920000-0000-7000-8000-000000000201', 'rate', '{"rating": 9}', NULL,
        'ratings 01920000-0000-7000-8000-000000000201', 'sending', 1, now(), 1, now() - interval '1 hour', 0, 1, NULL,
        now() - interval '2 hours'),
    ('01920000-0000-7000-8000-00000000f103', '01920000-0000-7000-8000-00000000a001', 'trakt', 0, 7, 'movie',
        '01920000-0000-7000-8000-000000000101', 'add_play',
        '{"watched_at": "2024-01-04T20:15:30Z", "precision": "second", "progress_percent": 97.5}', NULL,
        'play 01920000-0000-7000-8000-000000000b01', 'verify', 2, now(), 1, now() - interval '1 hour', 1, 0, 'not found yet',
        now() - interval '2 hours'),
    ('01920000-0000-7000-8000-00000000f104', '01920000-0000-7000-8000-00000000a001', 'trakt', 1, 8, 'movie',
        '01920000-0000-7000-8000-000000000103', 'add_to_watchlist', '{}', 'add_to_watchlist',
        'watchlist 01920000-0000-7000-8000-000000000103', 'pending', 0, now(), 0, NULL, 0, 0, NULL, now() - interval '2 hours'),
    ('01920000-0000-7000-8000-00000000f201', '01920000-0000-7000-8000-00000000a002', 'trakt', 1, 2, 'movie',
        '01920000-0000-7000-8000-000000000101', 'add_to_watchlist', '{}', 'add_to_watchlist',
        'watchlist 01920000-0000-7000-8000-000000000101', 'pending', 3, now(), 0, NULL, 0, 0, 'account_limit',
        now() - interval '2 hours');
INSERT INTO queue_outcomes (user_id, id, provider, urgency, media_type, media_id, action, payload, join_key, fingerprint,
    outcome, reason, retry_count, batch_id, created_at, finished_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000f105', 'trakt', 0, 'movie',
        '01920000-0000-7000-8000-000000000102', 'rate', '{"rating": 7}', NULL,
        'ratings 01920000-0000-7000-8000-000000000102', 'done', '201', 1, '01920000-0000-7000-8000-00000000ba03',
        now() - interval '4 days', now() - interval '4 days'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000f106', 'trakt', 0, 'movie',
        '01920000-0000-7000-8000-000000000104', 'rate', '{"rating": 3}', NULL,
        'ratings 01920000-0000-7000-8000-000000000104', 'dead', 'Trakt does not know the title', 1, NULL,
        now() - interval '4 days', now() - interval '4 days'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-00000000f107', 'trakt', 1, 'movie',
        '01920000-0000-7000-8000-000000000103', 'add_play', '{"precision": "unknown"}', 'add_play',
        'play 01920000-0000-7000-8000-000000000b0f', 'cancelled', 'by hand', 0, NULL, now() - interval '4 days',
        now() - interval '4 days');
INSERT INTO periodic_jobs (name, due_at, fence, worker)
VALUES ('queue.sweep', now() + interval '5 minutes', 17, '01920000-0000-7000-8000-0000000000aa');

-- A hook that a media server has written to; one delivery waits for being worked, one for its account.
INSERT INTO hooks (user_id, id, name, time_zone, secret_hash, sender, server_id, server_name, removes_plays, accepted_count,
    repeated_count, refused_count, created_at, last_delivery_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d1', 'Living room', 'Europe/Berlin',
    sha256('a hook''s secret'), 'events', 'den', 'Den', true, 3, 1, 1, '2024-01-20T08:00:00Z', now() - interval '2 minutes');
INSERT INTO hook_accounts (user_id, hook_id, account, name, assigned_to, time_zone, is_ignored, first_seen_at, last_seen_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d1', 'skyler', 'skyler',
        '01920000-0000-7000-8000-00000000a002', 'UTC', false, '2024-01-20T08:00:00Z', now() - interval '2 minutes'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d1', 'guest', 'guest', NULL, NULL, false,
        '2024-01-21T08:00:00Z', now() - interval '1 hour');
INSERT INTO hook_deliveries (user_id, id, hook_id, account, sender, event, summary, payload, state, reason, title_ids,
    play_ids, tries, due_at, received_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d5', '01920000-0000-7000-8000-0000000000d1',
        'skyler', 'events', 'stop', 'Ninefold Winter (2021)', '{"event": "stop", "account": "skyler"}', 'done', NULL,
        '{01920000-0000-7000-8000-000000000102}', '{01920000-0000-7000-8000-000000000b11}', 1, now() - interval '3 hours',
        now() - interval '3 hours'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d6', '01920000-0000-7000-8000-0000000000d1',
        'guest', 'events', 'stop', 'The Lighthouse Keeper''s Clock (2019)',
        '{"event": "stop", "account": "guest", "server": {"id": "den"}, "kind": "movie", "ids": {"imdb": "tt9100001"},
            "position_seconds": 99, "duration_seconds": 100}', 'quarantined', NULL, '{}', '{}', 0, now() - interval '1 hour',
        now() - interval '1 hour'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d7', '01920000-0000-7000-8000-0000000000d1',
        NULL, NULL, NULL, NULL, NULL, 'refused', 'unreadable', '{}', '{}', 0, now() - interval '1 hour',
        now() - interval '30 minutes'),
    ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d8', '01920000-0000-7000-8000-0000000000d1',
        'skyler', 'events', 'stop', 'A Map of Quiet Rivers (2016)',
        '{"event": "stop", "account": "skyler", "server": {"id": "den"}, "kind": "movie", "ids": {"imdb": "tt9100003"},
            "position_seconds": 99, "duration_seconds": 100}', 'pending', NULL, '{}', '{}', 0, now() - interval '2 minutes',
        now() - interval '2 minutes');
INSERT INTO hook_fingerprints (user_id, hook_id, fingerprint, seen_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '01920000-0000-7000-8000-0000000000d1', sha256('a delivery'),
    now() - interval '3 hours');

INSERT INTO idempotency_keys (user_id, key, request_hash, answer, created_at)
VALUES ('01920000-0000-7000-8000-00000000a001', 'made-a-list', sha256('lists'), NULL, now() - interval '1 hour');
INSERT INTO deleted_users (user_id, deleted_at) VALUES ('01920000-0000-7000-8000-00000000a0ff', now() - interval '1 minute');
