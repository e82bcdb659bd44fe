-- One row per status event of a challenge, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT challenge_id, updated_at, status, user_id, title, description, created_at, due_date, progress, flags, metadata,
       partition, "offset", append_time
FROM silver.challenge_events
WHERE {days}
