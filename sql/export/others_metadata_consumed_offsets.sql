-- One row per partition: where its next batch starts, without who reads it from which cluster.
SELECT topic, partition, next_offset, updated_at FROM {relation}
