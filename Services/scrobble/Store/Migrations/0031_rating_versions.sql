-- Which version of a rating here a change of it was planned for; 0 where there was none.
ALTER TABLE sync_changes ADD COLUMN our_version bigint;
