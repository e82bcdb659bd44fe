-- One row per Kafka partition with records of the day $1 in bronze.{table}: how many, and up to which offset. Read-only.
SELECT partition, count(*) AS row_count, max("offset") AS last_offset
FROM bronze.{table}
WHERE partition_date = $1::date
GROUP BY partition
ORDER BY partition
