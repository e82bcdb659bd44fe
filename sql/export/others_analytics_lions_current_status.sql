-- One row per lion of the last refresh, with its last accepted fix up to the delay, on the grid.
SELECT s.lion_id, s.name, metadata.on_grid(p.lat, {grid_deg}::float8, 90) AS position_lat,
       metadata.on_grid(p.lng, {grid_deg}::float8, 180) AS position_lng, s.current_weight, s.status, s.data_quality_score
FROM {relation} s
LEFT JOIN silver.lions l USING (lion_id)
LEFT JOIN LATERAL (
    SELECT l.position_lat AS lat, l.position_lng AS lng WHERE l.last_update <= {seen_until}::timestamptz
    UNION ALL
    SELECT f.lat, f.lng FROM gold.last_fix(s.lion_id, {seen_until}::timestamptz) f
    WHERE l.last_update > {seen_until}::timestamptz
) p ON true
WHERE l.deleted_at IS NULL
