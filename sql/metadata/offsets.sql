-- One row per partition that was ever consumed.
SELECT topic, partition, next_offset, cluster_id, first_fingerprint FROM metadata.consumed_offsets
