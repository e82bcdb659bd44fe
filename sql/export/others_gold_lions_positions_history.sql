-- One row per accepted fix up to the delay, on the grid; metres of an exact fix say nothing of a grid's point.
SELECT lion_id, event_time AS position_date, metadata.on_grid(lat, {grid_deg}::float8, 90) AS lat,
       metadata.on_grid(lng, {grid_deg}::float8, 180) AS lng, NULL::float8 AS accuracy
FROM {relation}
WHERE flags = 0 AND event_time <= {seen_until}::timestamptz
