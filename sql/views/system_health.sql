-- One row: the quality checks of the hour up to $1, and the states of the pipeline runs that were at work in it.
-- last_check is the last one up to $1, however long ago.
SELECT checks.checks_last_hour, checks.avg_quality, runs.unique_statuses, runs.failed_runs, checks.last_check
FROM (
    SELECT coalesce(sum(hour.checks), 0)::bigint AS checks_last_hour,
           sum(hour.quality) / nullif(sum(hour.checks), 0)::double precision AS avg_quality,
           max(latest.check_timestamp) AS last_check
    FROM (SELECT DISTINCT table_name FROM gold.quality_daily) t
    CROSS JOIN LATERAL (
        SELECT count(*) AS checks, sum(c.quality_percentage) AS quality FROM metadata.data_quality_checks c
        WHERE c.table_name = t.table_name AND c.check_timestamp <= $1::timestamptz
          AND c.check_timestamp > $1::timestamptz - interval '1 hour'
    ) hour
    LEFT JOIN LATERAL (
        SELECT c.check_timestamp FROM metadata.data_quality_checks c
        WHERE c.table_name = t.table_name AND c.check_timestamp <= $1::timestamptz
        ORDER BY c.check_timestamp DESC LIMIT 1
    ) latest ON true
) checks
CROSS JOIN (
    SELECT count(DISTINCT state) AS unique_statuses, count(*) FILTER (WHERE state = 'failed') AS failed_runs
    FROM (
        SELECT CASE WHEN end_time <= $1::timestamptz OR status = 'running' THEN status ELSE 'running' END AS state
        FROM metadata.pipeline_logs
        WHERE start_time <= $1::timestamptz
          AND (end_time IS NULL OR end_time > $1::timestamptz - interval '1 hour')
    ) at_work
) runs
