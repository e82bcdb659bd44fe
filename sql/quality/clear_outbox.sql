-- One row per check that Kafka has acknowledged: it is deleted; again it does nothing.
DELETE FROM metadata.quality_outbox WHERE check_id = ANY ($1::bigint[])
