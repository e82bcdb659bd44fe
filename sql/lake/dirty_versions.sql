-- One row per dirty day: its version, read in the snapshot that reads the day's rows.
SELECT layer, table_name, day, version FROM metadata.lake_dirty
