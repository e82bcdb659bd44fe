-- One row per valid weighing up to the delay: a lion is weighed at a place. No user, no source, no further fields.
SELECT weight_id, lion_id, weight, unit, measured_at, original_weight, original_unit
FROM {relation}
WHERE flags = 0 AND measured_at <= {seen_until}::timestamptz
