-- One row per bronze table and UTC day of appending, from the day $1 to the day $2: how many records came, those included that
-- retention has dropped since. Changes nothing.
SELECT table_name, day, sum(records)::bigint AS records
FROM (
    SELECT 'lions_raw' AS table_name, partition_date AS day, count(*) AS records FROM bronze.lions_raw
    WHERE partition_date BETWEEN $1::date AND $2::date GROUP BY partition_date
    UNION ALL
    SELECT 'weights_raw', partition_date, count(*) FROM bronze.weights_raw
    WHERE partition_date BETWEEN $1::date AND $2::date GROUP BY partition_date
    UNION ALL
    SELECT 'users_raw', partition_date, count(*) FROM bronze.users_raw
    WHERE partition_date BETWEEN $1::date AND $2::date GROUP BY partition_date
    UNION ALL
    SELECT 'challenges_raw', partition_date, count(*) FROM bronze.challenges_raw
    WHERE partition_date BETWEEN $1::date AND $2::date GROUP BY partition_date
    UNION ALL
    SELECT 'quality_raw', partition_date, count(*) FROM bronze.quality_raw
    WHERE partition_date BETWEEN $1::date AND $2::date GROUP BY partition_date
    UNION ALL
    SELECT split_part(table_name, '.', 2), day, row_count FROM metadata.dropped_partitions WHERE day BETWEEN $1::date AND $2::date
) counted
GROUP BY table_name, day
ORDER BY table_name, day
