-- One row per document of the list is updated: Kafka holds what was intended, and only its last event stands for it.
UPDATE catalog.mongo_documents SET told = true, events = CASE events WHEN '[]' THEN events ELSE jsonb_build_array(events -> -1) END
WHERE source = $1 AND collection = $2 AND document_id = ANY ($3::text[])
