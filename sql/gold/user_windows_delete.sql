-- One row per window of the list that holds no activity that counts any more.
-- $3 and $4 are the first and last of the starts: other days' partitions are left out of the plan.
DELETE FROM gold.user_windows w
USING unnest($1::text[], $2::timestamptz[]) AS want (user_id, window_start)
WHERE w.user_id = want.user_id AND w.window_start = want.window_start
  AND w.window_start BETWEEN $3::timestamptz AND $4::timestamptz AND NOT EXISTS (
    SELECT FROM silver.user_activities a
    WHERE a.user_id = want.user_id AND a.event_time >= want.window_start
      AND a.event_time < want.window_start + interval '5 minutes' AND a.flags = 0)
