-- Batches that told of a note what another had written already, in their order: it stays until the last of them is taken back.
ALTER TABLE play_notes ADD COLUMN also_told uuid[];

-- A note, with all that it was before, as it stands without a batch; NULL where nothing is left. What only that batch told goes,
-- wherever it stands; what others told too is the next one's. Nothing is kept behind what can no longer be taken back: it would
-- never be seen again.
CREATE FUNCTION note_without(note jsonb, batch uuid) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    person uuid := note ->> 'user_id';
    stage jsonb := note;
    tellers uuid[];
    stages jsonb[] := '{}';
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
            EXIT WHEN cardinality(tellers) > (
                SELECT count(*) FROM batches b
                WHERE b.user_id = person AND b.id = ANY (tellers) AND b.forgotten_at IS NULL);
        END IF;
        stage := stage -> 'before';
    END LOOP;
    FOR place IN REVERSE cardinality(stages)..1 LOOP
        kept := stages[place] || jsonb_build_object('before', kept);
    END LOOP;
    RETURN kept;
END $$;
