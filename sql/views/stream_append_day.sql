-- One row per partition $1 of positions: the append day of its first record from the offset $2 on that bronze holds.
SELECT r.partition, b.partition_date AS append_day
FROM unnest($1::integer[], $2::bigint[]) AS r (partition, first_offset)
CROSS JOIN LATERAL (
    SELECT partition_date FROM bronze.lions_raw b
    WHERE b.partition = r.partition AND b."offset" >= r.first_offset
    ORDER BY b."offset" LIMIT 1
) b
