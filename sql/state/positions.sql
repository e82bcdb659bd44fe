-- One row per lion of a partition ($1): the 5-minute window of its last accepted fix, as the live table holds it.
SELECT l.lion_id AS key, jsonb_build_object(
    'window_start', to_char(w.window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'fixes', w.fixes, 'mean_lat', w.mean_lat, 'mean_lng', w.mean_lng,
    'first', jsonb_build_object('time', to_char(w.first_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'lat', w.first_lat, 'lng', w.first_lng),
    'last', jsonb_build_object('time', to_char(w.last_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'lat', w.last_lat, 'lng', w.last_lng),
    'min_lat', w.min_lat, 'max_lat', w.max_lat, 'min_lng', w.min_lng, 'max_lng', w.max_lng) AS live
FROM (SELECT lion_id FROM silver.lions WHERE accepted_fixes > 0 ORDER BY last_update DESC LIMIT 20000) AS l
CROSS JOIN LATERAL (
    SELECT partition FROM silver.positions AS p WHERE p.lion_id = l.lion_id ORDER BY event_time DESC LIMIT 1) AS p
CROSS JOIN LATERAL (
    SELECT * FROM gold.lion_windows AS w WHERE w.lion_id = l.lion_id ORDER BY window_start DESC LIMIT 1) AS w
WHERE p.partition = $1;
