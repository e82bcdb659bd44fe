-- One row per check that gives its identity to an earlier record; the caller inserts that one.
DELETE FROM metadata.data_quality_checks q
USING unnest($1::text[], $2::text[], $3::timestamptz[]) AS gone (table_name, check_name, check_timestamp)
WHERE q.table_name = gone.table_name AND q.check_name = gone.check_name AND q.check_timestamp = gone.check_timestamp
