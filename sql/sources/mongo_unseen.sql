-- One row per document that was told of and that the snapshot $3 has not seen, at most $4 of them.
SELECT document_id FROM catalog.mongo_documents
WHERE source = $1 AND collection = $2 AND snapshot < $3 AND NOT deleted ORDER BY document_id LIMIT $4
