-- One row per partition whose offset is moved from where its records begin to where they end, the ingestion time; none for one that is not there, or whose lease is lost.
UPDATE metadata.consumed_offsets AS o
SET next_offset = moved.next_offset, updated_at = now()
FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS moved (partition, first_offset, next_offset, lease_epoch)
WHERE o.topic = $1 AND o.partition = moved.partition AND o.next_offset = moved.first_offset
    AND o.lease_epoch = moved.lease_epoch
RETURNING now()
