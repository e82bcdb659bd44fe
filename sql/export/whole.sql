-- One row per row of a table, all its columns.
SELECT * FROM {relation}
