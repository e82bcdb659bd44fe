-- One row per lion and 5 minutes, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT lion_id, window_start, fixes, sum_lat_e9, sum_lng_e9, mean_lat, mean_lng, first_time, first_lat, first_lng,
       last_time, last_lat, last_lng, min_lat, max_lat, min_lng, max_lng, rule_version
FROM gold.lion_windows
WHERE {days}
