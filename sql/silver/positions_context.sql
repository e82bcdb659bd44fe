-- One row per stored fix around new ones: for each wanted lion all fixes of [from, to) and the three next candidates
-- (fixes with no flag but spike) on either side, no further than [floor, ceiling). `n` is the lion's place in the list;
-- `side` -1 before, 0 inside, 1 after. Read-only.
-- $6 to $11, outer bounds of all lions' ranges, say nothing new: they let the planner leave out other days' partitions.
SELECT want.n::integer - 1 AS n, fix.*
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[]) WITH ORDINALITY
     AS want (lion_id, floor_time, from_time, to_time, ceiling_time, n)
CROSS JOIN LATERAL (
    (SELECT 0 AS side, event_time, lat, lng, flags, step_mm, append_time, partition, "offset", content_hash
     FROM silver.positions p
     WHERE p.lion_id = want.lion_id AND p.event_time >= want.from_time AND p.event_time < want.to_time
       AND p.event_time >= $6::timestamptz AND p.event_time < $7::timestamptz)
    UNION ALL
    (SELECT -1, event_time, lat, lng, flags, step_mm, append_time, partition, "offset", content_hash
     FROM silver.positions p
     WHERE p.lion_id = want.lion_id AND p.event_time >= want.floor_time AND p.event_time < want.from_time
       AND p.event_time >= $8::timestamptz AND p.event_time < $9::timestamptz AND p.flags & 23 = 0
     ORDER BY event_time DESC LIMIT 3)
    UNION ALL
    (SELECT 1, event_time, lat, lng, flags, step_mm, append_time, partition, "offset", content_hash
     FROM silver.positions p
     WHERE p.lion_id = want.lion_id AND p.event_time >= want.to_time AND p.event_time < want.ceiling_time
       AND p.event_time >= $10::timestamptz AND p.event_time < $11::timestamptz AND p.flags & 23 = 0
     ORDER BY event_time LIMIT 3)
) AS fix
