-- One row per check to publish; only the transaction that took its counts away writes it.
INSERT INTO metadata.quality_outbox (check_timestamp, event)
SELECT to_timestamp($1::bigint / 1000000.0), event FROM unnest($2::text[]) WITH ORDINALITY AS made (event, n) ORDER BY n
