-- One row per user and 5 minutes, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT user_id, window_start, events, activities, rule_version
FROM gold.user_windows
WHERE {days}
