-- Deletes the rows of checks that Kafka has acknowledged, one per id; again it does nothing.
DELETE FROM metadata.quality_outbox WHERE check_id = ANY ($1::bigint[])
