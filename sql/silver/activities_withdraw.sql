-- One row per stored activity that a deletion of the list takes back: flagged, not removed. Again, it changes nothing.
UPDATE silver.user_activities a SET flags = a.flags | 16, dw_update_date = now()
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::bigint[])
     AS gone (entity_id, event_id, append_time, partition, "offset")
WHERE a.user_id = gone.entity_id AND (gone.event_id IS NULL OR a.event_id = gone.event_id) AND a.flags & 16 = 0
  AND (a.append_time, a.partition, a."offset") < (gone.append_time, gone.partition, gone."offset")
RETURNING a.user_id, a.event_time
