-- One row per file of silver and gold.
SELECT path, layer, table_name, day, byte_count FROM metadata.lake_files WHERE layer <> 'bronze'
