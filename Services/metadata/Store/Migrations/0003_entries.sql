-- What a provider said of its entries within the last day: one that bans whoever asks twice a day is asked once, by all
-- replicas together. Without `facts` it was asked and has not answered; 'null' says that it has no such entry.
CREATE TABLE provider_entries (
    provider text NOT NULL,
    entry text NOT NULL,
    asked_at timestamptz NOT NULL,
    facts jsonb CHECK (pg_column_size(facts) <= 131072),
    PRIMARY KEY (provider, entry)
);
CREATE INDEX provider_entries_by_age ON provider_entries (asked_at);

-- Names are looked up by other keys from here on: each title's next turn, within the week, writes them.
DELETE FROM title_keys;
UPDATE title_refresh r SET due_at = least(r.due_at, now() + random() * interval '7 days')
FROM titles t WHERE t.id = r.title_id AND t.kind IN ('movie', 'series');
