-- One row per check that is not known to be in Kafka, oldest first, 1000 at most. Changes nothing.
SELECT check_id, event FROM metadata.quality_outbox ORDER BY check_id LIMIT 1000
