-- One row per partition that was ever read: where its next batch starts.
SELECT topic, partition, next_offset, updated_at FROM metadata.consumed_offsets ORDER BY topic, partition
