-- Who was sent before a lane was last let go on may meet what its person has mended since: that stops it no more.
ALTER TABLE queue_lanes ADD COLUMN resumed_fence bigint NOT NULL DEFAULT -1;
