-- In which stretches of an import that rests the rows of each verdict stand: a few rows of one verdict are found among millions
-- without an index that every verdict would have to be written into. A stretch is 256 places; one may be named in which nothing of
-- the verdict is left.
CREATE TABLE import_spans (
    user_id uuid NOT NULL,
    import_id uuid NOT NULL,
    verdict text NOT NULL,
    span integer NOT NULL,
    PRIMARY KEY (user_id, import_id, verdict, span)
);
CREATE TRIGGER import_spans_of_deleted_people AFTER INSERT ON import_spans
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

CREATE OR REPLACE FUNCTION drop_rows_of_imports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM import_rows r USING gone g WHERE r.user_id = g.user_id AND r.import_id = g.id;
    DELETE FROM import_items i USING gone g WHERE i.user_id = g.user_id AND i.import_id = g.id;
    DELETE FROM import_spans s USING gone g WHERE s.user_id = g.user_id AND s.import_id = g.id;
    RETURN NULL;
END $$;

INSERT INTO import_spans (user_id, import_id, verdict, span)
SELECT DISTINCT r.user_id, r.import_id, r.verdict, r.place / 256
FROM import_rows r JOIN imports i ON i.user_id = r.user_id AND i.id = r.import_id
WHERE i.state IN ('ready', 'applied') AND r.verdict IS NOT NULL;
