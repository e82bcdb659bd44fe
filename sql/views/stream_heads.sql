-- One row per partition of the topics: the offset up to which its records are stored; and the newest revision's id.
SELECT o.topic, o.partition, o.next_offset, (SELECT max(revision_id) FROM metadata.revisions) AS revision_id
FROM metadata.consumed_offsets o
ORDER BY o.topic, o.partition
