-- How long a sitting's title is: the play that it becomes is told from others by it.
ALTER TABLE playback_sessions ADD COLUMN runtime_minutes integer;
