-- One row per bronze file of one topic, in each partition's offset order.
SELECT path, layer, table_name, day, topic, partition, first_offset, next_offset, row_count, byte_count, sha256
FROM metadata.lake_files
WHERE layer = 'bronze' AND table_name = $1
ORDER BY partition, first_offset
