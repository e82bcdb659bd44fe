-- One row per column that the live generation and the one whose schemas end with $1 do not have alike: an upgrade lies between.
SELECT table_schema, table_name, column_name FROM (
    SELECT regexp_replace(table_schema, '_g\d+$', '') AS table_schema, table_name, column_name, data_type, is_nullable
    FROM information_schema.columns
    WHERE table_schema IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')
       OR table_schema IN ('bronze' || $1, 'silver' || $1, 'gold' || $1, 'metadata' || $1, 'analytics' || $1)
) c
WHERE table_name !~ '_\d{8}$'
GROUP BY table_schema, table_name, column_name, data_type, is_nullable
HAVING count(*) <> 2
LIMIT 1
