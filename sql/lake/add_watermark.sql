-- One row per exported partition. Idempotent.
INSERT INTO metadata.lake_watermarks (topic, partition, next_offset) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING
