-- One row per lion of the list that has a weighing which counts: the time of the newest one that was not stamped with the future.
SELECT want.lion_id, newest.measured_at
FROM unnest($1::text[]) AS want (lion_id)
CROSS JOIN LATERAL (
    SELECT measured_at FROM silver.weight_history s
    WHERE s.lion_id = want.lion_id AND s.flags = 0 AND s.measured_at <= s.append_time + interval '10 minutes'
    ORDER BY s.measured_at DESC LIMIT 1) newest
