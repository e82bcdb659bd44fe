-- One row per lion, by lion_id, after the cursor $3 (null: from the start), at most $4.
-- State at $2; position at $1, which is earlier for a viewer whose positions are delayed: the lion's own where it is not
-- newer, else the last of the two days before, else what gold.last_fix finds.
SELECT l.lion_id, l.name, l.status, l.data_quality_score,
       w.weight AS current_weight, m.health_score, m.tracking_frequency,
       p.lat AS position_lat, p.lng AS position_lng, p.position_date AS updated_at
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT health_score, tracking_frequency FROM gold.lions_metrics g
    WHERE g.lion_id = l.lion_id AND g.metric_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY g.metric_date DESC LIMIT 1
) m ON true
LEFT JOIN LATERAL (
    SELECT l.last_update AS position_date, l.position_lat AS lat, l.position_lng AS lng WHERE l.last_update <= $1::timestamptz
    UNION ALL
    (SELECT h.position_date, h.lat, h.lng FROM gold.lions_positions_history h
     WHERE l.last_update > $1::timestamptz AND h.lion_id = l.lion_id AND h.position_date <= $1::timestamptz
       AND h.position_date > ($1::timestamptz AT TIME ZONE 'UTC' - interval '2 days') AT TIME ZONE 'UTC'
     ORDER BY h.position_date DESC LIMIT 1)
    UNION ALL
    SELECT f.position_date, f.lat, f.lng FROM gold.last_fix(l.lion_id, $1::timestamptz) f WHERE l.last_update > $1::timestamptz
    LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT weight FROM silver.weight_history h
    WHERE h.lion_id = l.lion_id AND h.flags = 0 AND h.measured_at <= $2::timestamptz
    ORDER BY h.measured_at DESC, h.append_time, h.partition, h."offset" LIMIT 1
) w ON true
WHERE l.deleted_at IS NULL AND ($3::text IS NULL OR l.lion_id > $3)
ORDER BY l.lion_id
LIMIT $4
