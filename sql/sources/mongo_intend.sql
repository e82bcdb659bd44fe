-- One row per document: what is about to be told of it. Written before Kafka gets it, so that whoever goes on after a crash
-- knows which events may be there. Idempotent.
INSERT INTO catalog.mongo_documents AS d
    (source, collection, document_id, topic, key, version_at, content_hash, events, deleted, told, read_at, snapshot)
SELECT $1, $2, new.document_id, new.topic, new.key, new.version_at, new.content_hash,
       new.events::jsonb, false, false, new.read_at, $10
FROM unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::text[], $9::timestamptz[])
    AS new (document_id, topic, key, version_at, content_hash, events, read_at)
ORDER BY new.document_id
ON CONFLICT (source, collection, document_id) DO UPDATE
SET topic = excluded.topic, key = excluded.key, version_at = excluded.version_at, content_hash = excluded.content_hash,
    events = excluded.events, deleted = false, told = false, read_at = excluded.read_at,
    snapshot = excluded.snapshot
