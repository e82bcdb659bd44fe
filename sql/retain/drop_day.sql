-- One row: whether the partition of the day $2 of bronze's table $1 had exactly $3 rows and is gone now. Recorded in
-- metadata.dropped_partitions by the same transaction.
SELECT metadata.drop_bronze_day($1, $2::date, $3)
