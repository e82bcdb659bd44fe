-- One row per accepted fix of the lion $1 in ($2, $3], newest first, at most $4; one row without a date where there is
-- none, no row where the lion is unknown. step_mm: from the fix before, null over a gap of more than 4 h.
SELECT l.lion_id, l.name, h.event_time AS position_date, h.lat, h.lng, h.step_mm
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT event_time, lat, lng, step_mm FROM silver.positions p
    WHERE p.lion_id = l.lion_id AND p.event_time > $2::timestamptz AND p.event_time <= $3::timestamptz AND p.flags = 0
    ORDER BY p.event_time DESC LIMIT $4
) h ON true
WHERE l.lion_id = $1 AND l.deleted_at IS NULL
ORDER BY h.event_time DESC
