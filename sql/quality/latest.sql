-- One row per table and check of the last $2 days: its latest result; $1 names one table, null is all. Changes nothing.
SELECT DISTINCT ON (table_name, check_name) table_name, check_name, check_timestamp, total_records, valid_records,
       invalid_records, quality_percentage, details
FROM metadata.data_quality_checks
WHERE check_timestamp > now() - make_interval(days => $2::integer) AND table_name = coalesce($1::text, table_name)
ORDER BY table_name, check_name, check_timestamp DESC
