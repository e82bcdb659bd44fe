-- One row per known lion of the list ($1) that its source has deleted: marked so while no fix of it was appended later.
-- Setting it again changes nothing.
UPDATE silver.lions l
SET deleted_at = CASE WHEN alive.lives THEN NULL ELSE deletion.deleted_at END,
    status = CASE WHEN NOT alive.lives THEN 'deleted' WHEN l.accepted_fixes > 0 THEN 'active' ELSE 'inferred' END
FROM (SELECT entity_id, max(append_time) AS deleted_at FROM metadata.deletions
      WHERE topic = 'lions.position.events' AND event_id IS NULL AND entity_id = ANY ($1::text[])
      GROUP BY entity_id) deletion
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM silver.positions p WHERE p.lion_id = deletion.entity_id AND p.flags & 16 = 0) AS lives
) alive
WHERE l.lion_id = deletion.entity_id
