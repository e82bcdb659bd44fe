-- One row per stored window of the list: what it says.
-- $3 and $4 are the first and last of the starts: other days' partitions are left out of the plan. Read-only.
SELECT w.*
FROM unnest($1::text[], $2::timestamptz[]) AS want (lion_id, window_start)
JOIN gold.lion_windows w USING (lion_id, window_start)
WHERE w.window_start BETWEEN $3::timestamptz AND $4::timestamptz
