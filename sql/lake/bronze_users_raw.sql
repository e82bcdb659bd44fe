-- One row per consumed record of a partition, in offset order, from {first_offset} up to before {next_offset}. Read-only.
SELECT user_id, username, email, activity_type, event_time,
       topic, partition, "offset", append_time, key, headers, raw, source_system, partition_date, metadata, ingestion_timestamp
FROM bronze.users_raw
WHERE partition = {partition} AND "offset" >= {first_offset} AND "offset" < {next_offset}
ORDER BY "offset"
LIMIT {limit}
