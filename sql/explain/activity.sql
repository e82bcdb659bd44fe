-- One row at most: the activity of the user $1 at $2 of the type $3 with the event id $4, at most $5. Reads only.
SELECT a.user_id, a.event_time, a.activity_type, a.event_id, a.username, a.email, a.roles, a.flags,
       CASE WHEN a.flags & 16 > 0 THEN ARRAY['deleted'] ELSE '{}' END AS flag_names,
       a.topic, a.partition, a."offset", a.append_time, a.content_hash,
       a.user_id || '|' || a.activity_type || '|' || (extract(epoch FROM a.event_time) * 1000000)::bigint || '|' || a.event_id
           AS identity,
       count(*) OVER () AS total
FROM silver.user_activities a
WHERE a.user_id = $1 AND a.event_time = $2 AND a.activity_type = $3 AND a.event_id = $4
LIMIT $5
