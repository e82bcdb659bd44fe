-- One row per function whose body is text, of the schemas that end with $1: the statement that would make it anew.
SELECT pg_get_functiondef(p.oid) AS statement
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname = 'plpgsql'
  AND n.nspname IN ('bronze' || $1, 'silver' || $1, 'gold' || $1, 'metadata' || $1, 'analytics' || $1)
ORDER BY p.oid
