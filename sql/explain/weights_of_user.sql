-- One row per weighing of the user $1 in [$2, $3), flagged or not, by time, at most $4; `total` counts all. Reads only.
SELECT w.weight_id, w.lion_id, w.user_id, w.weight, w.measured_at, w.original_weight, w.original_unit, w.flags,
       CASE WHEN w.flags & 1 > 0 THEN ARRAY['implausible'] ELSE '{}' END
       || CASE WHEN w.flags & 16 > 0 THEN ARRAY['deleted'] ELSE '{}' END AS flag_names,
       w.topic, w.partition, w."offset", w.append_time, w.content_hash, w.weight_id AS identity,
       count(*) OVER () AS total
FROM silver.weight_history w
WHERE w.user_id = $1 AND w.measured_at >= $2 AND w.measured_at < $3
ORDER BY w.measured_at, w.weight_id LIMIT $4
