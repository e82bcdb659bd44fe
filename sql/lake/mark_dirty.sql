-- One row per day to export again. Idempotent but for the version, which grows.
INSERT INTO metadata.lake_dirty (layer, table_name, day)
SELECT * FROM unnest($1::text[], $2::text[], $3::date[]) ORDER BY 1, 2, 3
ON CONFLICT (layer, table_name, day) DO UPDATE SET version = nextval('metadata.lake_versions'), dirty_at = now()
