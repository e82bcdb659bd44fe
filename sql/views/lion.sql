-- One row per day of the lion $1's metrics, newest first, the 30 latest days up to $3; one row without a day where it
-- has none, no row where the lion is unknown. Position at $2, which is earlier for a viewer whose positions are delayed.
SELECT l.lion_id, l.name, l.status, p.lat AS position_lat, p.lng AS position_lng,
       m.metric_date, m.avg_weight, m.weight_trend, m.health_score, m.tracking_frequency, m.status AS health_status
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT lat, lng FROM gold.lions_positions_history h
    WHERE h.lion_id = l.lion_id AND h.position_date <= $2::timestamptz
    ORDER BY h.position_date DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT * FROM gold.lions_metrics g
    WHERE g.lion_id = l.lion_id AND g.metric_date <= ($3::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY g.metric_date DESC LIMIT 30
) m ON true
WHERE l.lion_id = $1 AND l.deleted_at IS NULL
ORDER BY m.metric_date DESC
