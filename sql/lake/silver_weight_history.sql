-- One row per weighing, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT weight_id, lion_id, user_id, weight, unit, measured_at, original_weight, original_unit, source, flags,
       metadata, partition, "offset", append_time
FROM silver.weight_history
WHERE {days}
