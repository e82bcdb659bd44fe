-- One row per stored window of the list: what it says.
SELECT w.user_id, w.window_start, w.events, w.activities
FROM unnest($1::text[], $2::timestamptz[]) AS want (user_id, window_start)
JOIN gold.user_windows w USING (user_id, window_start)
