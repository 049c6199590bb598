-- Every gateway asks every few seconds which tokens are new, of all gateways.
CREATE INDEX sessions_by_refresh ON sessions (refreshed_at);
CREATE INDEX api_keys_by_creation ON api_keys (created_at);
