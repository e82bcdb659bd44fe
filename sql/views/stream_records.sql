-- One row per position record of the partition $1 with an offset of [$2, $3), appended on the days $4 to $5.
SELECT lion_id, last_update AS position_date, 1 AS fixes, partition_date
FROM bronze.lions_raw
WHERE partition = $1 AND "offset" >= $2 AND "offset" < $3 AND partition_date >= $4::date AND partition_date <= $5::date
