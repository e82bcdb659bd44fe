-- One row: the warehouse answers and is migrated (fails where the offsets' table is missing).
SELECT count(*) AS partitions FROM metadata.consumed_offsets
