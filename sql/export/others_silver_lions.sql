-- One row per lion that is not deleted, with its last accepted fix up to the delay, on the grid.
SELECT l.lion_id, l.name, metadata.on_grid(p.lat, {grid_deg}::float8, 90) AS position_lat,
       metadata.on_grid(p.lng, {grid_deg}::float8, 180) AS position_lng, p.position_date AS last_update, l.status,
       l.data_quality_score
FROM {relation} l
LEFT JOIN LATERAL (
    SELECT l.last_update AS position_date, l.position_lat AS lat, l.position_lng AS lng
    WHERE l.last_update <= {seen_until}::timestamptz
    UNION ALL
    SELECT f.position_date, f.lat, f.lng FROM gold.last_fix(l.lion_id, {seen_until}::timestamptz) f
    WHERE l.last_update > {seen_until}::timestamptz
) p ON true
WHERE l.deleted_at IS NULL
