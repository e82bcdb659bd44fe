-- One row per lion of a partition ($1): the 5-minute window of its last accepted fix, as the live table holds it.
SELECT w.lion_id AS key, jsonb_build_object(
    'window_start', to_char(w.window_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'fixes', w.fixes, 'mean_lat', w.mean_lat, 'mean_lng', w.mean_lng,
    'first', jsonb_build_object('time', to_char(w.first_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'lat', w.first_lat, 'lng', w.first_lng),
    'last', jsonb_build_object('time', to_char(w.last_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'lat', w.last_lat, 'lng', w.last_lng),
    'min_lat', w.min_lat, 'max_lat', w.max_lat, 'min_lng', w.min_lng, 'max_lng', w.max_lng) AS live
FROM gold.last_windows($1) AS w;
