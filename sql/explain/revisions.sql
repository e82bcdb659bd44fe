-- One row per revision of one gold row, oldest first, at most $4; `total` counts all. Reads only.
SELECT revision_id, kind, changes, cause, topic, partition, offsets, record_count, revised_at, count(*) OVER () AS total
FROM metadata.revisions
WHERE table_name = $1 AND entity_id = $2 AND period_start = $3
ORDER BY revision_id LIMIT $4
