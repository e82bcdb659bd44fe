-- One row per pipeline and state: the runs that were at work from the UTC day $1 to the day $2. Changes nothing.
SELECT pipeline_name, status, count(*) AS runs, sum(processed_records)::bigint AS records, sum(error_count)::bigint AS errors,
       max(start_time) AS last_start
FROM metadata.pipeline_logs
WHERE start_time < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
  AND (end_time IS NULL OR end_time >= $1::date::timestamp AT TIME ZONE 'UTC')
GROUP BY pipeline_name, status
ORDER BY pipeline_name, status
