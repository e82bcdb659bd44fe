-- One row per fix that is not deleted, under Movebank's attribute names, oldest first within a day and lion. What the
-- contract has no place for comes from the fix's further fields, as an import kept it.
-- `visible` is false for what has a flag; as_told, it is what the event said: an import of it gives the same event again.
SELECT coalesce(event_id, '') AS "event-id",
       CASE WHEN NOT {as_told}::boolean THEN (flags = 0)::text
            ELSE coalesce(visible::text, CASE WHEN source = 'movebank' THEN '' ELSE 'true' END) END AS visible,
       to_char(event_time AT TIME ZONE 'UTC',
               CASE WHEN date_trunc('milliseconds', event_time) = event_time
                    THEN 'YYYY-MM-DD HH24:MI:SS.MS' ELSE 'YYYY-MM-DD HH24:MI:SS.US' END) AS timestamp,
       lng AS "location-long", lat AS "location-lat", accuracy AS "location-error-numerical",
       altitude AS "height-above-msl", dop AS "gps:dop", temperature AS "external-temperature",
       metadata ->> 'manually-marked-outlier' AS "manually-marked-outlier",
       coalesce(metadata ->> 'sensor-type', CASE WHEN source = 'movebank' THEN NULL ELSE 'gps' END) AS "sensor-type",
       coalesce(metadata ->> 'individual-taxon-canonical-name',
                CASE WHEN source = 'movebank' THEN NULL ELSE 'Panthera leo' END) AS "individual-taxon-canonical-name",
       metadata ->> 'tag-local-identifier' AS "tag-local-identifier", lion_id AS "individual-local-identifier",
       coalesce(metadata ->> 'study-name', nullif(source, 'movebank')) AS "study-name"{further}
FROM {relation}
WHERE flags & 16 = 0 AND ({flagged}::boolean OR flags = 0)
  AND ({lion_ids}::text[] IS NULL OR lion_id = ANY ({lion_ids}::text[]))
  AND ({since}::timestamptz IS NULL OR event_time >= {since}::timestamptz)
  AND ({until}::timestamptz IS NULL OR event_time < {until}::timestamptz)
ORDER BY lion_id, event_time
