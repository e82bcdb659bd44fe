-- One row per stored fix that gives its identity to an earlier record; the caller inserts that one.
-- $3 and $4 are the first and last of the times: other days' partitions are left out of the plan.
DELETE FROM silver.positions p
USING unnest($1::text[], $2::timestamptz[]) AS gone (lion_id, event_time)
WHERE p.lion_id = gone.lion_id AND p.event_time = gone.event_time
  AND p.event_time BETWEEN $3::timestamptz AND $4::timestamptz
