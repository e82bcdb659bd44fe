-- One row per stored window of the list: what it says.
-- $3 and $4 are the first and last of the starts: other days' partitions are left out of the plan. Read-only.
SELECT w.user_id, w.window_start, w.events, w.activities
FROM unnest($1::text[], $2::timestamptz[]) AS want (user_id, window_start)
JOIN gold.user_windows w USING (user_id, window_start)
WHERE w.window_start BETWEEN $3::timestamptz AND $4::timestamptz
