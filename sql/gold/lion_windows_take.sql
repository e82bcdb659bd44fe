-- One row per window that is written anew or holds no accepted fix any more: what it said.
-- $3 and $4 are the first and last of the starts: other days' partitions are left out of the plan.
DELETE FROM gold.lion_windows w
USING unnest($1::text[], $2::timestamptz[]) AS gone (lion_id, window_start)
WHERE w.lion_id = gone.lion_id AND w.window_start = gone.window_start
  AND w.window_start BETWEEN $3::timestamptz AND $4::timestamptz
RETURNING w.*
