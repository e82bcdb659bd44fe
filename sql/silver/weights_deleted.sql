-- One row per stored weighing that a deletion of the list takes back. A deletion names the weighing, or, as record keys
-- do, its lion: then all that were appended before.
SELECT DISTINCT h.weight_id, h.lion_id, h.user_id, h.measured_at, h.flags
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::bigint[])
     AS gone (entity_id, event_id, append_time, partition, "offset")
JOIN silver.weight_history h ON h.weight_id = gone.entity_id OR h.lion_id = gone.entity_id
WHERE h.flags & 16 = 0 AND (h.append_time, h.partition, h."offset") < (gone.append_time, gone.partition, gone."offset")
