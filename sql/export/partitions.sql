-- One row per partition of the table $1 that may hold times of [$2, $3) (null: without end), in the order of its days.
SELECT c.oid::regclass::text AS relation
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
CROSS JOIN LATERAL (SELECT to_date(substring(c.relname FROM '_w?([0-9]{8})$'), 'YYYYMMDD') AS day,
                           CASE WHEN c.relname ~ '_w[0-9]{8}$' THEN 6 ELSE 0 END AS more) d
WHERE i.inhparent = $1::text::regclass
  AND (d.day IS NULL -- before 2000, or what is not a day's
       OR ($2::timestamptz IS NULL OR d.day + d.more >= ($2::timestamptz AT TIME ZONE 'UTC')::date)
       AND ($3::timestamptz IS NULL OR d.day <= ($3::timestamptz AT TIME ZONE 'UTC')::date))
ORDER BY c.relname LIKE '%\_default', d.day NULLS FIRST
