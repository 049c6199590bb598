-- Facets of which the other side takes nothing more (an account that is full, or lacks what is needed), and when a sync tries again.
CREATE TABLE facet_stops (
    user_id uuid NOT NULL,
    provider text NOT NULL CHECK (provider IN ('trakt', 'simkl')),
    facet text NOT NULL CHECK (facet IN ('history', 'ratings', 'watchlist', 'collection', 'progress')),
    cause text NOT NULL CHECK (cause IN ('account_limit', 'vip_required')),
    since timestamptz NOT NULL,
    retry_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, provider, facet)
);
CREATE TRIGGER facet_stops_of_deleted_people AFTER INSERT ON facet_stops
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION refuse_deleted_people();

-- Such a thing stopped whole connections: they go on, and only the facet that meets it again stops.
UPDATE queue_lanes l SET is_paused = false, resumed_fence = l.fence FROM scrobble_connections c
WHERE c.user_id = l.user_id AND c.provider = l.provider AND c.state IN ('account_limit', 'vip_required');
UPDATE scrobble_connections SET state = 'connected', state_reason = NULL, updated_at = now()
WHERE state IN ('account_limit', 'vip_required');
