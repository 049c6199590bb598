-- How many requests each subject (a person, a key, a network; by a digest) was given in the present slot and those before it.
-- Nobody's data, and worth nothing after a minute: it need not survive a crash.
CREATE UNLOGGED TABLE rate_counts (
    subject bytea PRIMARY KEY,
    slot bigint NOT NULL,
    -- What was given in this slot, in the one before it, and so on.
    given integer[] NOT NULL
);
CREATE INDEX rate_counts_by_slot ON rate_counts (slot);

-- Gives a copy of the gateway a share of what all of them may let through within `slots` slots of `slot_seconds`, after it has
-- given back what it did not use of its last one. The row is locked, so that two copies never get the same request. The
-- database's clock counts.
CREATE FUNCTION lease_requests(
    asked bytea, wanted integer, allowed integer, unused integer, unused_slot bigint, slot_seconds integer, slots integer,
    OUT granted integer, OUT remaining integer, OUT wait_seconds integer, OUT present bigint
) LANGUAGE plpgsql AS $$
DECLARE
    seconds double precision := extract(epoch FROM clock_timestamp());
    known rate_counts;
    kept integer[] := array_fill(0, ARRAY[slots]);
    place bigint;
    used integer;
BEGIN
    present := floor(seconds / slot_seconds);
    INSERT INTO rate_counts (subject, slot, given) VALUES (asked, present, kept) ON CONFLICT DO NOTHING;
    SELECT * INTO known FROM rate_counts WHERE subject = asked FOR UPDATE;
    FOR i IN 1..slots LOOP
        place := known.slot - present + i;
        IF place BETWEEN 1 AND cardinality(known.given) THEN kept[i] := known.given[place]; END IF;
    END LOOP;
    place := present - unused_slot + 1;
    IF place BETWEEN 1 AND slots THEN kept[place] := greatest(0, kept[place] - unused); END IF;
    SELECT sum(n) INTO used FROM unnest(kept) AS k (n);
    granted := least(wanted, greatest(0, allowed - used));
    remaining := greatest(0, allowed - used - granted);
    kept[1] := kept[1] + granted;
    wait_seconds := 0;
    IF granted = 0 THEN
        FOR i IN REVERSE slots..1 LOOP
            IF kept[i] > 0 THEN
                wait_seconds := ceil((present + slots - i + 1) * slot_seconds - seconds);
                EXIT;
            END IF;
        END LOOP;
    END IF;
    UPDATE rate_counts SET slot = present, given = kept WHERE subject = asked;
END
$$;
