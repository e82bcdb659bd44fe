-- One row per document of the list is updated: the snapshot $4 has seen it. Idempotent.
UPDATE catalog.mongo_documents SET snapshot = $4
WHERE source = $1 AND collection = $2 AND document_id = ANY ($3::text[]) AND snapshot < $4
