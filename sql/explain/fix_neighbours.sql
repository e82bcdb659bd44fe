-- One row per fix that the fix of the lion $1 at $2 was compared with: the one before and the one after it among those
-- that have no flag but spike. Reads only.
SELECT p.lion_id, p.event_time, p.lat, p.lng, p.flags, silver.flag_names(p.flags) AS flag_names, p.step_mm, p.name, p.source,
       'lions.position.events' AS topic, p.partition, p."offset", p.append_time, p.content_hash,
       p.lion_id || '|' || (extract(epoch FROM p.event_time) * 1000000)::bigint AS identity,
       count(*) OVER () AS total
FROM (
    (SELECT * FROM silver.positions b WHERE b.lion_id = $1 AND b.event_time < $2 AND b.flags & ~8 = 0
     ORDER BY b.event_time DESC LIMIT 1)
    UNION ALL
    (SELECT * FROM silver.positions a WHERE a.lion_id = $1 AND a.event_time > $2 AND a.flags & ~8 = 0
     ORDER BY a.event_time LIMIT 1)
) p
ORDER BY p.event_time LIMIT $3
