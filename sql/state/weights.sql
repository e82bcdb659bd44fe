-- One row per lion of a partition ($1): its latest weighing, as the live table holds it.
SELECT l.lion_id AS key, jsonb_build_object('weight', w.weight, 'measured_at', to_char(w.measured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS live
FROM (SELECT lion_id FROM silver.lions ORDER BY updated_at DESC NULLS LAST LIMIT 20000) AS l
CROSS JOIN LATERAL (
    SELECT * FROM silver.weight_history AS w
    WHERE w.lion_id = l.lion_id AND w.flags & 16 = 0 ORDER BY measured_at DESC LIMIT 1) AS w
WHERE w.partition = $1;
