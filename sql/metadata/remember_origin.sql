-- One row: which cluster and which first record a partition's offsets belong to; the first answer stays. Idempotent.
UPDATE metadata.consumed_offsets
SET cluster_id = coalesce(cluster_id, $3), first_fingerprint = coalesce(first_fingerprint, $4)
WHERE topic = $1 AND partition = $2
