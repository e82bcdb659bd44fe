-- One row per check of the table $1 in [$2, $3), by time, at most $4; `total` counts all. Reads only.
SELECT q.table_name, q.check_name, q.check_timestamp, q.total_records, q.valid_records, q.invalid_records,
       q.quality_percentage, q.topic, q.partition, q."offset", q.append_time, q.content_hash,
       q.table_name || '|' || q.check_name || '|' || (extract(epoch FROM q.check_timestamp) * 1000000)::bigint AS identity,
       count(*) OVER () AS total
FROM metadata.data_quality_checks q
WHERE q.table_name = $1 AND q.check_timestamp >= $2 AND q.check_timestamp < $3
ORDER BY q.check_timestamp, q.check_name LIMIT $4
