-- One row per window that is written anew or holds no accepted fix any more: what it said.
DELETE FROM gold.lion_windows w
USING unnest($1::text[], $2::timestamptz[]) AS gone (lion_id, window_start)
WHERE w.lion_id = gone.lion_id AND w.window_start = gone.window_start
RETURNING w.*
