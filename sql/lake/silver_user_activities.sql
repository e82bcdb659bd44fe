-- One row per activity event, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT user_id, activity_type, event_time, event_id, username, email, roles, flags, metadata, partition, "offset",
       append_time
FROM silver.user_activities
WHERE {days}
