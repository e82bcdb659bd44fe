-- One row per record that repeats one of these identities (parallel lists of topics and identities), by append time, at
-- most $3; `total` counts all. Reads only.
SELECT r.topic, r.identity, r.partition, r."offset", r.append_time, r.content_hash, count(*) OVER () AS total
FROM unnest($1::text[], $2::text[]) AS want (topic, identity)
JOIN metadata.repeats r ON r.topic = want.topic AND r.identity = want.identity
ORDER BY r.append_time, r.topic, r.partition, r."offset" LIMIT $3
