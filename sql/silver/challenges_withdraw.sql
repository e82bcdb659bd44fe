-- One row per stored status event that a deletion of the list takes back: flagged, not removed. Again, it changes nothing.
UPDATE silver.challenge_events e SET flags = e.flags | 16, dw_update_date = now()
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::bigint[])
     AS gone (entity_id, event_id, append_time, partition, "offset")
WHERE e.challenge_id = gone.entity_id AND (gone.event_id IS NULL OR e.metadata -> 'event_id' = to_jsonb(gone.event_id))
  AND e.flags & 16 = 0
  AND (e.append_time, e.partition, e."offset") < (gone.append_time, gone.partition, gone."offset")
RETURNING e.challenge_id, e.updated_at
