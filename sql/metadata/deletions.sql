-- One row per deletion that names an entity of the list ($2) in a topic ($1).
SELECT entity_id, event_id, append_time, partition, "offset"
FROM metadata.deletions WHERE topic = $1 AND entity_id = ANY ($2::text[])
