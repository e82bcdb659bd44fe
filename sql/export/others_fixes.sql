-- One row per accepted fix up to the delay, on the grid, with the columns of fixes.sql; what would narrow it down is null.
SELECT lion_id, event_time, metadata.on_grid(lat, {grid_deg}::float8, 90) AS lat,
       metadata.on_grid(lng, {grid_deg}::float8, 180) AS lng, flags, NULL::bigint AS step_mm, source,
       NULL::float8 AS altitude, NULL::float8 AS dop, NULL::float8 AS accuracy, NULL::float8 AS temperature,
       NULL AS event_id, coalesce(metadata ->> 'sex', metadata ->> 'animal-sex') AS sex,
       metadata ->> 'sensor-type' AS sensor,
       coalesce(metadata ->> 'individual-taxon-canonical-name', 'Panthera leo') AS taxon
FROM {relation}
WHERE flags = 0 AND event_time <= {seen_until}::timestamptz
  AND ({lion_ids}::text[] IS NULL OR lion_id = ANY ({lion_ids}::text[]))
  AND ({since}::timestamptz IS NULL OR event_time >= {since}::timestamptz)
  AND ({until}::timestamptz IS NULL OR event_time < {until}::timestamptz)
ORDER BY lion_id, event_time
