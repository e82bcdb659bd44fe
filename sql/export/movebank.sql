-- One row per fix that is not deleted, under Movebank's attribute names, oldest first within a day and lion. Flagged fixes
-- are not visible. What the contract has no place for comes from the fix's further fields, as an import kept it.
SELECT coalesce(event_id, '') AS "event-id", (flags = 0)::text AS visible,
       to_char(event_time AT TIME ZONE 'UTC',
               CASE WHEN date_trunc('milliseconds', event_time) = event_time
                    THEN 'YYYY-MM-DD HH24:MI:SS.MS' ELSE 'YYYY-MM-DD HH24:MI:SS.US' END) AS timestamp,
       lng AS "location-long", lat AS "location-lat", accuracy AS "location-error-numerical",
       altitude AS "height-above-msl", dop AS "gps:dop", temperature AS "external-temperature",
       metadata ->> 'manually-marked-outlier' AS "manually-marked-outlier",
       coalesce(metadata ->> 'sensor-type', 'gps') AS "sensor-type",
       coalesce(metadata ->> 'individual-taxon-canonical-name', 'Panthera leo') AS "individual-taxon-canonical-name",
       metadata ->> 'tag-local-identifier' AS "tag-local-identifier", lion_id AS "individual-local-identifier",
       coalesce(metadata ->> 'study-name', nullif(source, 'movebank')) AS "study-name"
FROM {relation}
WHERE flags & 16 = 0 AND ({lion_id}::text IS NULL OR lion_id = {lion_id}::text)
  AND ({since}::timestamptz IS NULL OR event_time >= {since}::timestamptz)
  AND ({until}::timestamptz IS NULL OR event_time < {until}::timestamptz)
ORDER BY lion_id, event_time
