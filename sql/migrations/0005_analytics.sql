-- Analytics: what dashboards read; each view has the unique index that REFRESH … CONCURRENTLY needs.

CREATE VIEW metadata.conflicts AS
SELECT r.topic, r.partition, r."offset", r.identity, r.append_time,
       w.partition AS winner_partition, w."offset" AS winner_offset
FROM metadata.repeats r
JOIN (
    SELECT 'lions.position.events' AS topic,
           lion_id || '|' || (extract(epoch FROM event_time) * 1000000)::bigint AS identity,
           partition, "offset", content_hash
    FROM silver.positions
    UNION ALL
    SELECT topic, weight_id, partition, "offset", content_hash FROM silver.weight_history
    UNION ALL
    SELECT topic, user_id || '|' || activity_type || '|' || (extract(epoch FROM event_time) * 1000000)::bigint || '|' || event_id,
           partition, "offset", content_hash
    FROM silver.user_activities
    UNION ALL
    SELECT topic, challenge_id || '|' || (extract(epoch FROM updated_at) * 1000000)::bigint || '|' || status,
           partition, "offset", content_hash
    FROM silver.challenge_events
    UNION ALL
    SELECT topic, table_name || '|' || check_name || '|' || (extract(epoch FROM check_timestamp) * 1000000)::bigint,
           partition, "offset", content_hash
    FROM metadata.data_quality_checks
) w USING (topic, identity)
WHERE r.content_hash <> w.content_hash;
COMMENT ON VIEW metadata.conflicts IS 'Records with the identity of an earlier record and different content; the earlier one is in silver';

CREATE MATERIALIZED VIEW analytics.lions_current_status AS
SELECT l.lion_id, l.name, l.position_lat, l.position_lng,
       w.weight AS current_weight, w.measured_at AS last_weight_update,
       l.status, l.data_quality_score
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT weight, measured_at FROM silver.weight_history h
    WHERE h.lion_id = l.lion_id AND h.flags = 0
    ORDER BY measured_at DESC, append_time, partition, "offset" LIMIT 1
) w ON true;
CREATE UNIQUE INDEX lions_current_status_pk ON analytics.lions_current_status (lion_id);

CREATE MATERIALIZED VIEW analytics.user_engagement_summary AS
SELECT u.user_id, u.username,
       coalesce(c.total, 0) AS total_challenges,
       coalesce(c.completed, 0) AS completed_challenges,
       coalesce(c.active, 0) AS active_challenges,
       coalesce(a.weight_entries, 0) AS weight_entries,
       greatest(u.updated_at, c.last_update) AS last_activity
FROM silver.users u
LEFT JOIN (
    SELECT user_id, count(*) AS total,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status IN ('pending', 'in_progress')) AS active,
           max(updated_at) AS last_update
    FROM silver.challenges WHERE deleted_at IS NULL GROUP BY user_id
) c USING (user_id)
LEFT JOIN (SELECT user_id, sum(weight_entries) AS weight_entries FROM gold.users_activity GROUP BY user_id) a USING (user_id);
CREATE UNIQUE INDEX user_engagement_summary_pk ON analytics.user_engagement_summary (user_id);
