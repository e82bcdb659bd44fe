-- One row per stored weighing of the list: who holds the identity, and which lion and user its day counts for.
SELECT weight_id, append_time, partition, "offset", content_hash, lion_id, user_id, measured_at, flags
FROM silver.weight_history WHERE weight_id = ANY ($1::text[])
