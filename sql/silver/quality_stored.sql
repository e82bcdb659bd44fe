-- One row per stored check of the list of identities: who holds it.
SELECT q.table_name, q.check_name, q.check_timestamp, q.append_time, q.partition, q."offset", q.content_hash
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS want (table_name, check_name, check_timestamp)
JOIN metadata.data_quality_checks q USING (table_name, check_name, check_timestamp)
