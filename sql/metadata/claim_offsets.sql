-- One row per partition, created at offset 0 where unknown; takes the writer lease: older epochs can no longer write.
-- Idempotent but for the epoch, which only grows. Waits for a batch that the former holder is committing.
INSERT INTO metadata.consumed_offsets AS o (topic, partition, next_offset, lease_epoch, lease_owner)
SELECT topic, partition, 0, $4, $3
FROM unnest($1::text[], $2::integer[]) AS claimed (topic, partition)
ORDER BY topic, partition
ON CONFLICT (topic, partition) DO UPDATE
SET lease_epoch = excluded.lease_epoch, lease_owner = excluded.lease_owner
WHERE o.lease_epoch < excluded.lease_epoch
RETURNING topic, partition, next_offset
