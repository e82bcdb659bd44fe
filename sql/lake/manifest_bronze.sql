-- One row per bronze file of one partition, in offset order.
SELECT path, layer, table_name, day, topic, partition, first_offset, next_offset, row_count, byte_count, sha256
FROM metadata.lake_files
WHERE layer = 'bronze' AND topic = $1 AND partition = $2
ORDER BY first_offset
