-- One row per stored fix that a deletion of the list takes back: of the whole lion, or the one fix of that event_id.
SELECT DISTINCT p.lion_id, p.event_time
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::bigint[])
     AS gone (entity_id, event_id, append_time, partition, "offset")
JOIN silver.positions p ON p.lion_id = gone.entity_id AND (gone.event_id IS NULL OR p.event_id = gone.event_id)
WHERE p.flags & 16 = 0 AND (p.append_time, p.partition, p."offset") < (gone.append_time, gone.partition, gone."offset")
ORDER BY p.lion_id, p.event_time
