-- Pages of an import end where its rows say, not by a number beside each title.
ALTER TABLE import_items DROP COLUMN row_count;
