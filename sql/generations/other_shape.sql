-- One row per table, column, index, rule of a table, view or function that the live generation and the one whose schemas end with
-- $1 do not have alike: an upgrade lies between. Partitions of days and weeks follow from their tables.
WITH schemas AS (
    SELECT oid, replace(nspname, $1, '') AS name
    FROM pg_namespace
    WHERE replace(nspname, $1, '') IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')
),
relations AS (
    SELECT c.oid, s.name || '.' || c.relname AS name, c.relkind
    FROM pg_class c
    JOIN schemas s ON s.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relname !~ '_w?\d{8}$'
),
parts AS (
    SELECT r.name || '.' || a.attname AS name,
           concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS definition
    FROM relations r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    UNION ALL
    SELECT r.name, pg_get_viewdef(r.oid) FROM relations r WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT r.name, pg_get_indexdef(i.indexrelid) FROM relations r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT r.name || '.' || k.conname, pg_get_constraintdef(k.oid) FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid
    UNION ALL
    SELECT s.name || '.' || p.proname, pg_get_functiondef(p.oid) FROM schemas s JOIN pg_proc p ON p.pronamespace = s.oid
)
SELECT name
FROM parts
GROUP BY name, replace(definition, $1, '')
HAVING count(*) <> 2
ORDER BY name
LIMIT 1
