-- One row per revision that records in the offset ranges [$3, $4) of the partitions $2 of the topics $1 caused, at most $5,
-- in the order in which each partition noted them.
SELECT v.revision_id, v.table_name, v.entity_id, v.period_start, v.kind, v.changes, v.topic, v.partition
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::bigint[]) AS r (topic, partition, first_offset, next_offset)
CROSS JOIN LATERAL (
    SELECT * FROM metadata.revisions m
    WHERE m.topic = r.topic AND m.partition = r.partition
      AND m.offsets[1] >= r.first_offset AND m.offsets[1] < r.next_offset
    ORDER BY m.offsets[1] LIMIT $5
) v
ORDER BY v.topic, v.partition, v.revision_id
LIMIT $5
