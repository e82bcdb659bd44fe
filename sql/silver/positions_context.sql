-- One row per stored fix around new ones: for each wanted lion all fixes of [from, to) and the three next candidates
-- (fixes with no flag but spike) on either side. `n` is the lion's place in the list; `side` -1 before, 0 inside, 1 after.
SELECT want.n::integer - 1 AS n, fix.*
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS want (lion_id, from_time, to_time, n)
CROSS JOIN LATERAL (
    (SELECT 0 AS side, event_time, lat, lng, flags, step_mm, append_time, partition, "offset", content_hash
     FROM silver.positions p
     WHERE p.lion_id = want.lion_id AND p.event_time >= want.from_time AND p.event_time < want.to_time)
    UNION ALL
    (SELECT -1, event_time, lat, lng, flags, step_mm, append_time, partition, "offset", content_hash
     FROM silver.positions p
     WHERE p.lion_id = want.lion_id AND p.event_time < want.from_time AND p.flags & 23 = 0
     ORDER BY event_time DESC LIMIT 3)
    UNION ALL
    (SELECT 1, event_time, lat, lng, flags, step_mm, append_time, partition, "offset", content_hash
     FROM silver.positions p
     WHERE p.lion_id = want.lion_id AND p.event_time >= want.to_time AND p.flags & 23 = 0
     ORDER BY event_time LIMIT 3)
) AS fix
