-- One row per table and check with a result on the UTC day $2: its counts in sum, and what its last result says; $1 names one
-- table, null is all. Changes nothing.
SELECT table_name, check_name, max(check_timestamp) AS check_timestamp, sum(total_records)::bigint AS total_records,
       sum(valid_records)::bigint AS valid_records, sum(invalid_records)::bigint AS invalid_records,
       coalesce(100.0::double precision * sum(valid_records)::double precision
                / nullif(sum(total_records), 0)::double precision, min(quality_percentage)) AS quality_percentage,
       (array_agg(details ORDER BY check_timestamp DESC))[1] AS details
FROM metadata.data_quality_checks
WHERE check_timestamp >= $2::date::timestamp AT TIME ZONE 'UTC' AND check_timestamp < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
  AND table_name = coalesce($1::text, table_name)
GROUP BY table_name, check_name
ORDER BY table_name, check_name
