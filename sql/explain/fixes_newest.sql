-- One row per fix of the lion $1, newest first, at most $2; `total` counts all. Reads only.
SELECT p.lion_id, p.event_time, p.lat, p.lng, p.flags, silver.flag_names(p.flags) AS flag_names, p.step_mm, p.name, p.source,
       'lions.position.events' AS topic, p.partition, p."offset", p.append_time, p.content_hash,
       p.lion_id || '|' || (extract(epoch FROM p.event_time) * 1000000)::bigint AS identity,
       count(*) OVER () AS total
FROM silver.positions p
WHERE p.lion_id = $1
ORDER BY p.event_time DESC LIMIT $2
