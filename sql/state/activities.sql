-- One row per user of a partition ($1): the latest activity, as the live table holds it.
SELECT u.user_id AS key,
    jsonb_build_object('activity_type', a.activity_type, 'event_time', to_char(a.event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS live
FROM (SELECT user_id FROM silver.users ORDER BY updated_at DESC NULLS LAST LIMIT 20000) AS u
CROSS JOIN LATERAL (
    SELECT * FROM silver.user_activities AS a WHERE a.user_id = u.user_id ORDER BY event_time DESC LIMIT 1) AS a
WHERE a.partition = $1;
