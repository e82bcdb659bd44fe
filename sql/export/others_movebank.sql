-- One row per accepted fix up to the delay, on the grid, under Movebank's attribute names: time, place and lion alone.
SELECT '' AS "event-id", 'true' AS visible, to_char(event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') AS timestamp,
       metadata.on_grid(lng, {grid_deg}::float8, 180) AS "location-long",
       metadata.on_grid(lat, {grid_deg}::float8, 90) AS "location-lat", NULL::float8 AS "location-error-numerical",
       NULL::float8 AS "height-above-msl", NULL::float8 AS "gps:dop", NULL::float8 AS "external-temperature",
       NULL AS "manually-marked-outlier", 'gps' AS "sensor-type", 'Panthera leo' AS "individual-taxon-canonical-name",
       NULL AS "tag-local-identifier", lion_id AS "individual-local-identifier", nullif(source, 'movebank') AS "study-name"
FROM {relation}
WHERE flags = 0 AND event_time <= {seen_until}::timestamptz
  AND ({lion_ids}::text[] IS NULL OR lion_id = ANY ({lion_ids}::text[]))
  AND ({since}::timestamptz IS NULL OR event_time >= {since}::timestamptz)
  AND ({until}::timestamptz IS NULL OR event_time < {until}::timestamptz)
ORDER BY lion_id, event_time
