-- One row per revision with an id above $1 that a record of [first, next) of a partition caused, at most $6.
-- $2 topics, $3 partitions, $4 first and $5 next offsets, in parallel.
SELECT r.table_name, r.entity_id, r.period_start, r.kind, r.cause, r.changes
FROM metadata.revisions r
JOIN unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[]) AS moved(topic, partition, first_offset, next_offset)
  ON moved.topic = r.topic AND moved.partition = r.partition
 AND r.offsets[1] >= moved.first_offset AND r.offsets[1] < moved.next_offset
WHERE r.revision_id > $1
ORDER BY r.revision_id
LIMIT $6
