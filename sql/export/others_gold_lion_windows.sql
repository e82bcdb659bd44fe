-- One row per lion and 5 minutes that ended before the delay: the mean on the grid; no sums, no box, no first or last fix.
SELECT lion_id, window_start, fixes, metadata.on_grid(mean_lat, {grid_deg}::float8, 90) AS mean_lat,
       metadata.on_grid(mean_lng, {grid_deg}::float8, 180) AS mean_lng, rule_version
FROM {relation}
WHERE window_start <= {seen_until}::timestamptz - interval '5 minutes'
