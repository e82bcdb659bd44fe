-- One row per document of the list that was told of before.
SELECT document_id, topic, key, version_at, content_hash, events, deleted, told, read_at FROM catalog.mongo_documents
WHERE source = $1 AND collection = $2 AND document_id = ANY ($3::text[])
