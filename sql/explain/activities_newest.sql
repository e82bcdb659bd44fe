-- One row per activity of the user $1, newest first, at most $2; `total` counts all. Reads only.
SELECT a.user_id, a.event_time, a.activity_type, a.event_id, a.username, a.email, a.roles, a.flags,
       CASE WHEN a.flags & 16 > 0 THEN ARRAY['deleted'] ELSE '{}' END AS flag_names,
       a.topic, a.partition, a."offset", a.append_time, a.content_hash,
       a.user_id || '|' || a.activity_type || '|' || (extract(epoch FROM a.event_time) * 1000000)::bigint || '|' || a.event_id
           AS identity,
       count(*) OVER () AS total
FROM silver.user_activities a
WHERE a.user_id = $1
ORDER BY a.event_time DESC, a.append_time, a.partition, a."offset" LIMIT $2
