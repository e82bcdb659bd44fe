-- One row per user of the list, recomputed from its activities that count: each profile field from the latest that carries
-- it. A deleted user without a later activity is marked so. Writing it again changes nothing.
INSERT INTO silver.users AS u (user_id, username, email, roles, created_at, updated_at, deleted_at, inferred)
SELECT want.user_id, coalesce(named.username, want.user_id), mailed.email, coalesce(ruled.roles, '{}'), span.first_time,
       span.last_time, CASE WHEN span.first_time IS NULL THEN deletion.deleted_at END, named.username IS NULL
FROM unnest($1::text[]) AS want (user_id)
LEFT JOIN LATERAL (
    SELECT username FROM silver.user_activities a
    WHERE a.user_id = want.user_id AND username IS NOT NULL AND flags = 0
    ORDER BY event_time DESC, append_time, partition, "offset" LIMIT 1) named ON true
LEFT JOIN LATERAL (
    SELECT email FROM silver.user_activities a WHERE a.user_id = want.user_id AND email IS NOT NULL AND flags = 0
    ORDER BY event_time DESC, append_time, partition, "offset" LIMIT 1) mailed ON true
LEFT JOIN LATERAL (
    SELECT roles FROM silver.user_activities a WHERE a.user_id = want.user_id AND roles IS NOT NULL AND flags = 0
    ORDER BY event_time DESC, append_time, partition, "offset" LIMIT 1) ruled ON true
LEFT JOIN LATERAL (
    SELECT min(event_time) AS first_time, max(event_time) AS last_time
    FROM silver.user_activities a WHERE a.user_id = want.user_id AND flags = 0) span ON true
LEFT JOIN LATERAL (
    SELECT max(append_time) AS deleted_at FROM metadata.deletions d
    WHERE d.topic = 'users.activity.events' AND d.entity_id = want.user_id AND d.event_id IS NULL) deletion ON true
ORDER BY want.user_id
ON CONFLICT (user_id) DO UPDATE
SET username = excluded.username, email = excluded.email, roles = excluded.roles, created_at = excluded.created_at,
    updated_at = excluded.updated_at, deleted_at = excluded.deleted_at, inferred = excluded.inferred, dw_update_date = now()
