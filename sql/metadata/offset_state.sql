-- One row: where a partition stands and who may write it.
SELECT next_offset, lease_epoch FROM metadata.consumed_offsets WHERE topic = $1 AND partition = $2
