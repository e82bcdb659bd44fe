-- One row per stored fix whose flags or step a new neighbour changed; setting them again changes nothing.
-- $5 and $6 are the first and last of the times: other days' partitions are left out of the plan.
UPDATE silver.positions p
SET flags = new.flags, step_mm = new.step_mm, dw_update_date = now()
FROM unnest($1::text[], $2::timestamptz[], $3::smallint[], $4::bigint[]) AS new (lion_id, event_time, flags, step_mm)
WHERE p.lion_id = new.lion_id AND p.event_time = new.event_time
  AND p.event_time BETWEEN $5::timestamptz AND $6::timestamptz
