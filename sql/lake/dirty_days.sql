-- One row per day partition that changed since the lake last wrote it, with the rows its file had then.
SELECT d.layer, d.table_name, d.day, d.version, extract(epoch FROM clock_timestamp() - d.dirty_at)::float8 AS quiet_s,
       f.row_count AS rows_before
FROM metadata.lake_dirty d
LEFT JOIN metadata.lake_files f USING (layer, table_name, day)
ORDER BY d.day
