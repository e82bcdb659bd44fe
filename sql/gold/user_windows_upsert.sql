-- One row per wanted user and 5 minutes, counted anew from silver; writing it again changes nothing.
INSERT INTO gold.user_windows (user_id, window_start, events, activities)
SELECT want.user_id, want.window_start, sum(counted.events)::integer, jsonb_object_agg(counted.activity_type, counted.events)
FROM unnest($1::text[], $2::timestamptz[]) AS want (user_id, window_start)
CROSS JOIN LATERAL (
    SELECT a.activity_type, count(*) AS events FROM silver.user_activities a
    WHERE a.user_id = want.user_id AND a.event_time >= want.window_start
      AND a.event_time < want.window_start + interval '5 minutes' AND a.flags = 0
    GROUP BY a.activity_type
) counted
GROUP BY want.user_id, want.window_start
ON CONFLICT (user_id, window_start) DO UPDATE
SET events = excluded.events, activities = excluded.activities, rule_version = excluded.rule_version
