-- One row per user of the list that has an activity which counts: the time of the newest one that was not stamped with the future.
SELECT want.user_id, newest.event_time
FROM unnest($1::text[]) AS want (user_id)
CROSS JOIN LATERAL (
    SELECT event_time FROM silver.user_activities s
    WHERE s.user_id = want.user_id AND s.flags = 0 AND s.event_time <= s.append_time + interval '10 minutes'
    ORDER BY s.event_time DESC LIMIT 1) newest
