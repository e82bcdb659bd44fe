-- One row per day partition that changed since the lake last wrote it, with the rows its files had then.
SELECT d.layer, d.table_name, d.day, d.version, extract(epoch FROM clock_timestamp() - d.dirty_at)::float8 AS quiet_s,
       f.rows_before
FROM metadata.lake_dirty d
CROSS JOIN LATERAL (
    SELECT sum(l.row_count)::bigint AS rows_before FROM metadata.lake_files l
    WHERE l.layer = d.layer AND l.table_name = d.table_name AND l.day = d.day
) f
ORDER BY d.day
