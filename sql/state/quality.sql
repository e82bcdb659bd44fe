-- One row per checked table of a partition ($1): its newest check, as the live table holds it.
SELECT d.table_name AS key, jsonb_build_object(
    'check_name', q.check_name, 'quality_percentage', q.quality_percentage,
    'check_timestamp', to_char(q.check_timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS live
FROM (SELECT table_name, max(last_check) AS last_check FROM gold.quality_daily GROUP BY table_name) AS d
CROSS JOIN LATERAL (
    SELECT * FROM metadata.data_quality_checks AS q
    WHERE q.table_name = d.table_name AND q.check_timestamp = d.last_check ORDER BY check_name LIMIT 1) AS q
WHERE q.partition = $1;
