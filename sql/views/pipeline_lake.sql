-- One row: the lake's manifest in sum.
SELECT count(*) AS files, coalesce(sum(byte_count), 0)::bigint AS bytes, coalesce(sum(row_count), 0)::bigint AS rows
FROM metadata.lake_files
