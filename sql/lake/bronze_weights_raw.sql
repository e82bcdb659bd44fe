-- One row per consumed record of a partition, in offset order, from {first_offset} up to before {next_offset}. Read-only.
SELECT weight_id, lion_id, weight, unit, measured_at,
       topic, partition, "offset", append_time, key, headers, raw, source_system, partition_date, metadata, ingestion_timestamp
FROM bronze.weights_raw
WHERE partition = {partition} AND "offset" >= {first_offset} AND "offset" < {next_offset}
ORDER BY "offset"
LIMIT {limit}
