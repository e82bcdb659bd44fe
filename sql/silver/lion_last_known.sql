-- One row per lion of the list: its last accepted fix and its last accepted name, from all fixes.
SELECT want.lion_id, fix.event_time, fix.lat, fix.lng, named.event_time AS name_time, named.name
FROM unnest($1::text[]) AS want (lion_id)
LEFT JOIN LATERAL (
    SELECT event_time, lat, lng FROM silver.positions p
    WHERE p.lion_id = want.lion_id AND p.flags = 0 ORDER BY event_time DESC LIMIT 1
) fix ON true
LEFT JOIN LATERAL (
    SELECT event_time, name FROM silver.positions p
    WHERE p.lion_id = want.lion_id AND p.flags = 0 AND p.name IS NOT NULL ORDER BY event_time DESC LIMIT 1
) named ON true
