-- One row, the ingestion time: moves one partition's offset from where the batch starts to where it ends; no row when it is not there or the lease is lost.
UPDATE metadata.consumed_offsets
SET next_offset = $4, updated_at = now()
WHERE topic = $1 AND partition = $2 AND next_offset = $3 AND lease_epoch = $5
RETURNING now()
