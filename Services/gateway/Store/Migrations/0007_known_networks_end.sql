-- Networks from which a person has not logged in for long are forgotten.
CREATE INDEX known_networks_by_time ON known_networks (seen_at);
