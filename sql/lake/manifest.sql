-- One row per Parquet file of the lake.
SELECT path, layer, table_name, day, topic, partition, first_offset, next_offset, row_count, byte_count, sha256
FROM metadata.lake_files
ORDER BY layer, topic, partition, first_offset, path
