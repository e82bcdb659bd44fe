-- One row per table and view of the live generation: a statement that keeps everybody else from it until the transaction ends.
-- Whoever has looked up one name of a statement holds a lock, and must have come to its end before names change. To give an
-- owner what he owns changes nothing; LOCK does not know materialized views, and would lock each partition below a view.
SELECT CASE WHEN c.relkind IN ('r', 'p')
            THEN format('LOCK TABLE ONLY %I.%I IN ACCESS EXCLUSIVE MODE', n.nspname, c.relname)
            ELSE format('ALTER TABLE %I.%I OWNER TO %I', n.nspname, c.relname, pg_get_userbyid(c.relowner))
       END AS statement
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')
  AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
ORDER BY n.nspname, c.relname
