-- One row per bronze file of the topic $1 and the append day $2, as the manifest has it. Read-only.
SELECT path, layer, table_name, day, topic, partition, first_offset, next_offset, row_count, byte_count, sha256
FROM metadata.lake_files
WHERE layer = 'bronze' AND table_name = $1 AND day = $2::date
ORDER BY partition, first_offset
