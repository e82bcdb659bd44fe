-- One row per fix, accepted or flagged, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT lion_id, event_time, lat, lng, flags, step_mm, name, source, confidence, accuracy, altitude, dop,
       temperature, visible, event_id, metadata, partition, "offset", append_time
FROM silver.positions
WHERE {days}
