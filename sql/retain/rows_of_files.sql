-- One row per offset range of the list, in its order: how many records of the day $1 bronze.{table} has in it. Read-only.
SELECT counted.row_count
FROM unnest($2::integer[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS file (partition, first_offset, next_offset, n)
CROSS JOIN LATERAL (
    SELECT count(*) AS row_count FROM bronze.{table} b
    WHERE b.partition_date = $1::date AND b.partition = file.partition
      AND b."offset" >= file.first_offset AND b."offset" < file.next_offset
) counted
ORDER BY file.n
