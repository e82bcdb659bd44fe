-- One row per document of the list is updated: Kafka holds its deletion, which was at the time beside it. Idempotent.
UPDATE catalog.mongo_documents d SET deleted = true, version_at = greatest(d.version_at, gone.deleted_at)
FROM unnest($3::text[], $4::timestamptz[]) AS gone (document_id, deleted_at)
WHERE d.source = $1 AND d.collection = $2 AND d.document_id = gone.document_id
