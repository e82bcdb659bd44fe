-- One row per partition and UTC day of event time (null: records without one) of the position records in the offset ranges
-- [$2, $3) of the partitions $1, and the last append day of them. They were appended on the day $4 or later.
SELECT r.partition, (b.last_update AT TIME ZONE 'UTC')::date AS day, max(b.partition_date) AS append_day
FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS r (partition, first_offset, next_offset)
CROSS JOIN LATERAL (
    SELECT last_update, partition_date FROM bronze.lions_raw b
    WHERE b.partition = r.partition AND b."offset" >= r.first_offset AND b."offset" < r.next_offset
      AND b.partition_date >= $4::date
    ORDER BY b."offset" LIMIT 1000000
) b
GROUP BY 1, 2
