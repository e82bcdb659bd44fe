-- One row: whether bronze.{table} has records of the append day $2 that no file of the topic $1 holds yet. Read-only.
SELECT EXISTS (
    SELECT FROM metadata.consumed_offsets o
    LEFT JOIN metadata.lake_watermarks w USING (topic, partition)
    CROSS JOIN LATERAL (
        SELECT b."offset" FROM bronze.{table} b
        WHERE b.partition_date = $2::date AND b.partition = o.partition
        ORDER BY b."offset" DESC
        LIMIT 1
    ) last
    WHERE o.topic = $1 AND last."offset" >= coalesce(w.next_offset, 0)
)
