-- Other sides that have turned the whole installation away: until then nobody's account there is asked anything.
CREATE TABLE provider_holds (
    provider text PRIMARY KEY CHECK (provider IN ('trakt', 'simkl')),
    held_until timestamptz NOT NULL
);
