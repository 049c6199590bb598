-- When the files of an import were written, where they say so: what they tell is not newer than that.
ALTER TABLE imports ADD COLUMN as_of timestamptz;
ALTER TABLE batches ADD COLUMN as_of timestamptz;

-- Which parts of a note its tellers told: 1 whether it was seen again, 2 its tags, 4 its rating, 8 its review, 16 whether that gives
-- the story away; NULL where all of it. The others are those of the state before, and go with whoever told them.
ALTER TABLE play_notes ADD COLUMN parts integer;

-- As before; what a state has from one beneath it follows that one.
CREATE OR REPLACE FUNCTION note_without(note jsonb, batch uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    person uuid := note ->> 'user_id';
    stage jsonb := note;
    tellers uuid[];
    stages jsonb[] := '{}';
    -- Whether there is more beneath the last of the stages, which nobody sees any more.
    is_cut boolean := false;
    told integer;
    kept jsonb;
BEGIN
    WHILE jsonb_typeof(stage) = 'object' LOOP
        tellers := array_prepend((stage ->> 'batch_id')::uuid, ARRAY(
            SELECT t.id::uuid FROM jsonb_array_elements_text(
                CASE jsonb_typeof(stage -> 'also_told') WHEN 'array' THEN stage -> 'also_told' ELSE '[]' END
            ) WITH ORDINALITY AS t (id, place) ORDER BY t.place));
        IF batch = ANY (tellers) THEN
            tellers := array_remove(tellers, batch);
            -- Whose it is now, and by which road that came.
            stage := stage || jsonb_build_object(
                'batch_id', tellers[1],
                'also_told', CASE WHEN cardinality(tellers) > 1 THEN to_jsonb(tellers[2:]) END,
                'source', coalesce(
                    (SELECT b.source FROM batches b WHERE b.user_id = person AND b.id = tellers[1]),
                    stage ->> 'source'));
        END IF;
        IF cardinality(tellers) > 0 THEN
            stages := array_append(stages, stage - 'before');
            is_cut := cardinality(tellers) > (
                SELECT count(*) FROM batches b
                WHERE b.user_id = person AND b.id = ANY (tellers) AND b.forgotten_at IS NULL);
            EXIT WHEN is_cut;
        END IF;
        stage := stage -> 'before';
    END LOOP;
    FOR place IN REVERSE cardinality(stages)..1 LOOP
        stage := stages[place];
        told := coalesce((stage ->> 'parts')::integer, 31);
        IF kept IS NOT NULL OR NOT is_cut THEN
            IF told & 1 = 0 THEN
                stage := stage || jsonb_build_object('is_rewatch', coalesce(kept -> 'is_rewatch', 'false'));
            END IF;
            IF told & 2 = 0 THEN
                stage := stage || jsonb_build_object('tags', coalesce(kept -> 'tags', '[]'));
            END IF;
            IF told & 4 = 0 THEN
                stage := stage || jsonb_build_object('rating', kept -> 'rating');
            END IF;
            IF told & 8 = 0 THEN
                stage := stage || jsonb_build_object('review', kept -> 'review', 'review_html', kept -> 'review_html');
            END IF;
            IF told & 16 = 0 THEN
                stage := stage || jsonb_build_object('is_spoiler', coalesce(kept -> 'is_spoiler', 'false'));
            END IF;
        END IF;
        kept := stage || jsonb_build_object('before', kept);
    END LOOP;
    RETURN kept;
END $$;

-- Jobs by which plays are moved: they say the moment after the play.
CREATE INDEX scrobble_queue_of_moves ON scrobble_queue (user_id, split_part(fingerprint, ' ', 2))
    WHERE split_part(fingerprint, ' ', 3) <> '';
