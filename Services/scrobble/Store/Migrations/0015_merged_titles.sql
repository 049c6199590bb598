-- Where merged titles are looked for.
CREATE INDEX sync_base_of_title ON sync_base (title_id);
CREATE INDEX sync_changes_of_title ON sync_changes (title_id)
    WHERE state IN ('planned', 'queued', 'held', 'failed');
CREATE INDEX sync_conflicts_of_title ON sync_conflicts (title_id) WHERE winner IS NULL;
CREATE INDEX trakt_titles_of_title ON trakt_titles (title_id);
CREATE INDEX import_items_of_title ON import_items (title_id) WHERE title_id IS NOT NULL;
CREATE INDEX import_items_of_series ON import_items (series_id) WHERE series_id IS NOT NULL;
CREATE INDEX match_overrides_of_title ON match_overrides (title_id) WHERE title_id IS NOT NULL;
