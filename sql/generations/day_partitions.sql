-- One row per partition of a generation's tables, 300 at most: its schemas' names end with $1.
SELECT c.oid::regclass::text AS relation
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind = 'r'
  AND n.nspname IN ('bronze' || $1, 'silver' || $1, 'gold' || $1, 'metadata' || $1, 'analytics' || $1)
ORDER BY c.oid LIMIT 300
