-- One row per figure. kind 'quality': a checked table's mean of its latest day (0-100). kind 'records': PostgreSQL's own
-- estimate of a table's rows, partitions added to their parent.
SELECT 'quality' AS kind, table_name, '' AS layer, avg_quality AS figure
FROM (SELECT DISTINCT ON (table_name) table_name, avg_quality FROM gold.quality_daily ORDER BY table_name, check_date DESC) q
UNION ALL
SELECT 'records', s.schemaname || '.' || coalesce(parent.relname, s.relname), s.schemaname, sum(s.n_live_tup)::double precision
FROM pg_stat_user_tables s
LEFT JOIN pg_inherits i ON i.inhrelid = s.relid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE s.schemaname IN ('bronze', 'silver', 'gold')
GROUP BY s.schemaname, coalesce(parent.relname, s.relname)
