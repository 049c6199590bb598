-- What was told of a play, asked for when it is put back or its batch is undone; the other outcomes are not looked at.
CREATE INDEX queue_outcomes_of_plays ON queue_outcomes (user_id, split_part(fingerprint, ' ', 2))
    WHERE outcome = 'done' AND action IN ('add_play', 'remove_play');
