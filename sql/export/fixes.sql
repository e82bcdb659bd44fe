-- One row per fix that is not deleted, as it is, for files of tracks and occurrences; by lion and time within a partition.
SELECT lion_id, event_time, lat, lng, flags, step_mm, source, altitude, dop, accuracy, temperature, event_id,
       coalesce(metadata ->> 'sex', metadata ->> 'animal-sex') AS sex, metadata ->> 'sensor-type' AS sensor,
       coalesce(metadata ->> 'individual-taxon-canonical-name', 'Panthera leo') AS taxon
FROM {relation}
WHERE flags & 16 = 0 AND ({flagged}::boolean OR flags = 0)
  AND ({lion_ids}::text[] IS NULL OR lion_id = ANY ({lion_ids}::text[]))
  AND ({since}::timestamptz IS NULL OR event_time >= {since}::timestamptz)
  AND ({until}::timestamptz IS NULL OR event_time < {until}::timestamptz)
ORDER BY lion_id, event_time
