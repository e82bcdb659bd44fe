-- One row per lion of the list: its last accepted fix and its last accepted name among its fixes of [floor, ceiling).
-- $4 and $5 bound all lions' ranges, so that the planner leaves out other days' partitions. Read-only.
SELECT want.n::integer - 1 AS n, fix.event_time, fix.lat, fix.lng, named.event_time AS name_time, named.name
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS want (lion_id, floor_time, ceiling_time, n)
LEFT JOIN LATERAL (
    SELECT event_time, lat, lng FROM silver.positions p
    WHERE p.lion_id = want.lion_id AND p.event_time >= want.floor_time AND p.event_time < want.ceiling_time
      AND p.event_time >= $4::timestamptz AND p.event_time < $5::timestamptz AND p.flags = 0
    ORDER BY event_time DESC LIMIT 1
) fix ON true
LEFT JOIN LATERAL (
    SELECT event_time, name FROM silver.positions p
    WHERE p.lion_id = want.lion_id AND p.event_time >= want.floor_time AND p.event_time < want.ceiling_time
      AND p.event_time >= $4::timestamptz AND p.event_time < $5::timestamptz AND p.flags = 0 AND p.name IS NOT NULL
    ORDER BY event_time DESC LIMIT 1
) named ON true
