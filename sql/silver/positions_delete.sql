-- One row per stored fix that gives its identity to an earlier record; the caller inserts that one.
DELETE FROM silver.positions p
USING unnest($1::text[], $2::timestamptz[]) AS gone (lion_id, event_time)
WHERE p.lion_id = gone.lion_id AND p.event_time = gone.event_time
