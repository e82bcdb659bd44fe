-- One row per quality check, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT table_name, check_name, check_timestamp, total_records, valid_records, invalid_records,
       quality_percentage, details, partition, "offset", append_time
FROM metadata.data_quality_checks
WHERE {days}
