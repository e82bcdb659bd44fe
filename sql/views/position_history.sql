-- One row per accepted fix of the lion $1 in ($2, $3], newest first, at most $4; one row without a date where there is
-- none, no row where the lion is unknown.
SELECT l.lion_id, h.position_date, h.lat, h.lng, h.accuracy
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT position_date, lat, lng, accuracy FROM gold.lions_positions_history p
    WHERE p.lion_id = l.lion_id AND p.position_date > $2::timestamptz AND p.position_date <= $3::timestamptz
    ORDER BY p.position_date DESC LIMIT $4
) h ON true
WHERE l.lion_id = $1 AND l.deleted_at IS NULL
ORDER BY h.position_date DESC
