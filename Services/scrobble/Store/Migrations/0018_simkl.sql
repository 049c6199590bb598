-- A person's library at Simkl as it was read last, and what Simkl said then: afterwards it is asked for changes only. A row
-- is the part of the text that came which is understood here.
CREATE TABLE simkl_items (
    user_id uuid NOT NULL,
    simkl_id bigint NOT NULL,
    grouped text NOT NULL CHECK (grouped IN ('shows', 'anime', 'movies')),
    body text NOT NULL,
    -- It was there once and has left all lists.
    is_gone boolean NOT NULL DEFAULT false,
    PRIMARY KEY (user_id, simkl_id)
);
CREATE TABLE simkl_places (
    user_id uuid PRIMARY KEY,
    stamps text NOT NULL
);
CREATE TRIGGER simkl_items_of_deleted_people AFTER INSERT ON simkl_items
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
CREATE TRIGGER simkl_places_of_deleted_people AFTER INSERT ON simkl_places
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();
