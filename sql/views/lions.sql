-- One row per lion, by lion_id, after the cursor $3 (null: from the start), at most $4.
-- State at $2; position at $1, which is earlier for a viewer whose positions are delayed.
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
    SELECT lat, lng, position_date FROM gold.lions_positions_history h
    WHERE h.lion_id = l.lion_id AND h.position_date <= $1::timestamptz
    ORDER BY h.position_date DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT weight FROM silver.weight_history h
    WHERE h.lion_id = l.lion_id AND h.flags = 0 AND h.measured_at <= $2::timestamptz
    ORDER BY h.measured_at DESC, h.append_time, h.partition, h."offset" LIMIT 1
) w ON true
WHERE l.deleted_at IS NULL AND ($3::text IS NULL OR l.lion_id > $3)
ORDER BY l.lion_id
LIMIT $4
