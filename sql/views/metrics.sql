-- One row per figure. kind 'quality': a checked table's mean of its latest day (0-100). kind 'records': PostgreSQL's own
-- estimate of a table's rows, partitions added to their parent. kind 'ended': a pipeline's runs of all time that ended as
-- layer says (failed, aborted). kind 'replay': a generation whose replay has not been compared yet; its figure is the rows that
-- were written into its schemas, layer is 'running' while a process works at it, else 'idle'.
SELECT 'quality' AS kind, table_name AS name, '' AS layer, avg_quality AS figure
FROM (SELECT DISTINCT ON (table_name) table_name, avg_quality FROM gold.quality_daily ORDER BY table_name, check_date DESC) q
UNION ALL
SELECT 'records', s.schemaname || '.' || coalesce(parent.relname, s.relname), s.schemaname, sum(s.n_live_tup)::double precision
FROM pg_stat_user_tables s
LEFT JOIN pg_inherits i ON i.inhrelid = s.relid
LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE s.schemaname IN ('bronze', 'silver', 'gold')
GROUP BY s.schemaname, coalesce(parent.relname, s.relname)
UNION ALL
SELECT 'ended', pipeline_name, status, count(*)::double precision
FROM metadata.pipeline_logs
WHERE status IN ('failed', 'aborted')
GROUP BY pipeline_name, status
UNION ALL
SELECT 'replay', g.generation::text,
       CASE WHEN EXISTS (
           SELECT FROM pg_locks l
           WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
             AND l.classid::bigint = hashtext('generation')::bigint & 4294967295 AND l.objid::bigint = g.generation
       ) THEN 'running' ELSE 'idle' END,
       (SELECT coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::double precision
        FROM pg_stat_user_tables s WHERE s.schemaname LIKE '%\_g' || g.generation)
FROM catalog.generations g
WHERE g.state = 'building' AND g.compared_at IS NULL
