-- Both indexes of the queue began with user_id and provider. To a planner that has not counted the table yet they cost the
-- same, and where it took the wrong one each job that was queued, or claimed, read its whole lane. Now each question has one
-- index that can answer it.
DROP INDEX scrobble_queue_by_fingerprint;
CREATE UNIQUE INDEX scrobble_queue_by_fingerprint ON scrobble_queue (fingerprint, user_id, provider);
