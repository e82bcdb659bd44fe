-- One row per table that a diff compares: its key, and its other columns but those ($1) that tell when a batch came or
-- how it was cut. metadata: the tables $2.
SELECT n.nspname || '.' || c.relname AS table_name,
       array_agg(quote_ident(a.attname) ORDER BY a.attnum) FILTER (WHERE a.attnum = ANY (i.indkey)) AS key,
       array_agg(quote_ident(a.attname) ORDER BY a.attnum)
           FILTER (WHERE NOT a.attnum = ANY (i.indkey) AND NOT a.attname = ANY ($1::text[])) AS columns
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (n.nspname IN ('bronze', 'silver', 'gold') OR n.nspname = 'metadata' AND c.relname = ANY ($2::text[]))
GROUP BY n.nspname, c.relname
ORDER BY array_position(ARRAY['bronze', 'silver', 'gold', 'metadata'], n.nspname::text), c.relname
