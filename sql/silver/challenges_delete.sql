-- One row per status event that gives its identity to an earlier record; the caller inserts that one.
DELETE FROM silver.challenge_events e
USING unnest($1::text[], $2::timestamptz[], $3::text[]) AS gone (challenge_id, updated_at, status)
WHERE e.challenge_id = gone.challenge_id AND e.updated_at = gone.updated_at AND e.status = gone.status
