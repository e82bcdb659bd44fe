-- The version of each dirty day, read in the snapshot that reads the day's rows.
SELECT layer, table_name, day, version FROM metadata.lake_dirty
