-- One row per record by which a source deleted one of these entities (parallel lists of topics and ids), by append time,
-- at most $3; `total` counts all. Reads only.
SELECT d.topic, d.partition, d."offset", d.entity_id, d.event_id, d.append_time, count(*) OVER () AS total
FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS listed (topic, entity_id)) want
JOIN metadata.deletions d ON d.topic = want.topic AND d.entity_id = want.entity_id
ORDER BY d.append_time, d.topic, d.partition, d."offset" LIMIT $3
