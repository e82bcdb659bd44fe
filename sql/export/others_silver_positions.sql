-- One row per accepted fix up to the delay, on the grid. What would narrow it down stays away: step, height, hash, record.
SELECT lion_id, event_time, metadata.on_grid(lat, {grid_deg}::float8, 90) AS lat,
       metadata.on_grid(lng, {grid_deg}::float8, 180) AS lng, flags, name
FROM {relation}
WHERE flags = 0 AND event_time <= {seen_until}::timestamptz
