-- One row per user of the list, recomputed from its activities: each profile field from the latest event that carries it.
INSERT INTO silver.users AS u (user_id, username, email, roles, created_at, updated_at, inferred)
SELECT want.user_id, coalesce(named.username, want.user_id), mailed.email, coalesce(ruled.roles, '{}'), span.first_time,
       span.last_time, named.username IS NULL
FROM unnest($1::text[]) AS want (user_id)
LEFT JOIN LATERAL (
    SELECT username FROM silver.user_activities a WHERE a.user_id = want.user_id AND username IS NOT NULL
    ORDER BY event_time DESC, append_time, partition, "offset" LIMIT 1) named ON true
LEFT JOIN LATERAL (
    SELECT email FROM silver.user_activities a WHERE a.user_id = want.user_id AND email IS NOT NULL
    ORDER BY event_time DESC, append_time, partition, "offset" LIMIT 1) mailed ON true
LEFT JOIN LATERAL (
    SELECT roles FROM silver.user_activities a WHERE a.user_id = want.user_id AND roles IS NOT NULL
    ORDER BY event_time DESC, append_time, partition, "offset" LIMIT 1) ruled ON true
LEFT JOIN LATERAL (
    SELECT min(event_time) AS first_time, max(event_time) AS last_time
    FROM silver.user_activities a WHERE a.user_id = want.user_id) span ON true
ORDER BY want.user_id
ON CONFLICT (user_id) DO UPDATE
SET username = excluded.username, email = excluded.email, roles = excluded.roles, created_at = excluded.created_at,
    updated_at = excluded.updated_at, inferred = excluded.inferred, dw_update_date = now()
