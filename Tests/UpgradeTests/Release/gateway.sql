-- What the gateway of the previous release has stored: Walter, who founded the installation, Skyler, and somebody who has just
-- left. Of secrets there is what it kept of them; the tests know the secrets themselves.
INSERT INTO users (id, username, username_key, password_hash, role, time_zone, settings, created_at)
VALUES
    ('01920000-0000-7000-8000-00000000a001', 'Walter', 'walter',
        '$scrypt$ln=15,r=8,p=3$AAECAwQFBgcICQoLDA0ODw$dfp+BMN1NoArSbm0isuSEElgOHqqVQbjlM/EXLJ08UU', 'admin',
        'Europe/Berlin', '{}', '2024-01-01T08:00:00Z'),
    ('01920000-0000-7000-8000-00000000a002', 'skyler', 'skyler',
        '$scrypt$ln=15,r=8,p=3$AAECAwQFBgcICQoLDA0ODw$dfp+BMN1NoArSbm0isuSEElgOHqqVQbjlM/EXLJ08UU', 'member', 'UTC', '{}',
        '2024-01-02T08:00:00Z');
INSERT INTO installation (founder, founded_at)
VALUES ('01920000-0000-7000-8000-00000000a001', '2024-01-01T08:00:00Z');

INSERT INTO sessions (id, token_hash, user_id, created_at, expires_at, refresh_hash, previous_refresh_hash, refreshed_at,
    refresh_expires_at, authenticated_at, last_used_at, device, address)
VALUES ('01920000-0000-7000-8000-00000000a0c1', sha256('reelay_st_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
    '01920000-0000-7000-8000-00000000a001', now() - interval '3 days', now() + interval '1 hour',
    sha256('reelay_rt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), sha256('an older one'), now() - interval '1 hour',
    now() + interval '20 days', now() - interval '3 days', now() - interval '1 minute', 'Firefox', '192.0.2.7');
INSERT INTO api_keys (id, user_id, name, label, secret_hash, scopes, created_at, expires_at, last_used_at)
VALUES ('01920000-0000-7000-8000-00000000a0e1', '01920000-0000-7000-8000-00000000a002', 'Kodi',
    'reelay_ak_00112233445566aa', sha256('reelay_ak_00112233445566aa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'),
    '{read,rate}', '2024-02-01T00:00:00Z', NULL, '2024-06-01T00:00:00Z');
INSERT INTO invites (id, user_id, code_hash, note, created_at, expires_at)
VALUES ('01920000-0000-7000-8000-00000000a0f1', '01920000-0000-7000-8000-00000000a001',
    sha256('reelay_in_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), 'For Jesse', now() - interval '1 day',
    now() + interval '6 days');
INSERT INTO known_networks (user_id, network_hash, seen_at)
VALUES ('01920000-0000-7000-8000-00000000a001', sha256('192.0.2.0/24'), now() - interval '3 days');
INSERT INTO login_throttles (subject, failures, allowance, last_at, free_at)
VALUES (sha256('somebody who guesses'), 4, 5, now() - interval '10 minutes', now() - interval '10 minutes');
INSERT INTO account_deletions (user_id, requested_at, due_at, attempts)
VALUES ('01920000-0000-7000-8000-00000000a0ff', now() - interval '1 minute', now() + interval '1 day', 1);
INSERT INTO idempotency_keys (user_id, key_hash, fingerprint, answer, created_at)
VALUES ('01920000-0000-7000-8000-00000000a001', sha256('made-a-key'), sha256('POST /users/me/api-keys'), '\x0102',
    now() - interval '1 hour');
