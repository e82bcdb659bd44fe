-- One row per day partition of bronze before the day $1, oldest first: its table, day and bytes, indexes included. Read-only.
SELECT p.relname AS table_name, d.day, pg_total_relation_size(c.oid) AS byte_count
FROM pg_inherits i
JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p' AND p.relnamespace = 'bronze'::regnamespace
JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day) d
WHERE d.day < $1::date
ORDER BY d.day, p.relname
