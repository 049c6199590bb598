-- A lane's row changes with each turn, and an old snapshot keeps every version of it. By the name alone, which never changes,
-- each look would pass all of them; from the newest fence down it meets the newest version at once. So the key has the
-- fence, and that there is one lane of a name is kept here, where nothing ever changes.
CREATE TABLE queue_lane_names (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    PRIMARY KEY (user_id, provider)
);
INSERT INTO queue_lane_names (user_id, provider) SELECT user_id, provider FROM queue_lanes;
ALTER TABLE queue_lanes DROP CONSTRAINT queue_lanes_pkey, ADD PRIMARY KEY (user_id, provider, fence);

CREATE TRIGGER queue_lane_names_of_deleted_people AFTER INSERT ON queue_lane_names
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- A job is found by its place in its lane; beside the index of places that of ids cost the planner the same on a small table, and
-- led through all jobs that the person ever had. It is for those who ask for it: what they say of the position is always so.
DROP INDEX scrobble_queue_by_id;
CREATE UNIQUE INDEX scrobble_queue_by_id ON scrobble_queue (user_id, id) WHERE position >= 0;
