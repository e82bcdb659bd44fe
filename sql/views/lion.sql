-- One row per day of the lion $1's metrics, newest first, the 30 latest days up to $3; one row without a day where it
-- has none, no row where the lion is unknown. Position at $2, which is earlier for a viewer whose positions are delayed.
SELECT l.lion_id, l.name, l.status, p.lat AS position_lat, p.lng AS position_lng,
       m.metric_date, m.avg_weight, m.weight_trend, m.health_score, m.tracking_frequency, m.status AS health_status
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT l.position_lat AS lat, l.position_lng AS lng WHERE l.last_update <= $2::timestamptz
    UNION ALL
    SELECT f.lat, f.lng FROM gold.last_fix(l.lion_id, $2::timestamptz) f WHERE l.last_update > $2::timestamptz
) p ON true
LEFT JOIN LATERAL (
    SELECT * FROM gold.lions_metrics g
    WHERE g.lion_id = l.lion_id AND g.metric_date <= ($3::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY g.metric_date DESC LIMIT 30
) m ON true
WHERE l.lion_id = $1 AND l.deleted_at IS NULL
ORDER BY m.metric_date DESC
