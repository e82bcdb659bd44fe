-- One row of the table that 0008 adds; its other tables keep the rows of 0007.
INSERT INTO metadata.dropped_partitions (table_name, day, row_count, byte_count) VALUES ('bronze.lions_raw', '2025-01-01', 7, 8192);
