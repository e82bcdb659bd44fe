-- One row per day partition of the lake that this batch changed; the version only grows.
INSERT INTO metadata.lake_dirty AS d (layer, table_name, day)
SELECT layer, table_name, day FROM unnest($1::text[], $2::text[], $3::date[]) AS changed (layer, table_name, day)
ORDER BY layer, table_name, day
ON CONFLICT (layer, table_name, day) DO UPDATE SET version = excluded.version, dirty_at = now()
