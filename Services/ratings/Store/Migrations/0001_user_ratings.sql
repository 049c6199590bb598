-- A person's ratings; leads with user_id so that it can be distributed by user.
CREATE TABLE user_ratings (
    user_id uuid NOT NULL,
    media_type text NOT NULL CHECK (media_type IN ('movie', 'series', 'season', 'episode')),
    media_id uuid NOT NULL,
    rating numeric(3, 1) NOT NULL CHECK (rating BETWEEN 0.1 AND 10.0),
    review text CHECK (review <> ''),
    spoiler boolean NOT NULL DEFAULT false,
    rated_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, media_id)
) WITH (fillfactor = 90);
