-- One row per consumed record of a partition, in offset order, from {first_offset} up to before {next_offset}. Read-only.
SELECT lion_id, name, position_lat, position_lng, last_update,
       topic, partition, "offset", append_time, key, headers, raw, source_system, partition_date, metadata, ingestion_timestamp
FROM bronze.lions_raw
WHERE partition = {partition} AND "offset" >= {first_offset} AND "offset" < {next_offset}
ORDER BY "offset"
LIMIT {limit}
