-- How it stands with a title on the watchlist: laid aside, given up, or, with NULL, still wanted.
ALTER TABLE watchlist_items ADD COLUMN status text CHECK (status IN ('on_hold', 'dropped'));
