-- One row per wanted user-day: its activities and weight entries ($3 names the activity types that count), from silver.
SELECT want.n::integer - 1 AS n, activity.events, activity.weight_entries + weighing.weight_entries AS weight_entries
FROM unnest($1::text[], $2::date[]) WITH ORDINALITY AS want (user_id, day, n)
CROSS JOIN LATERAL (
    SELECT count(*) AS events, count(*) FILTER (WHERE a.activity_type = ANY ($3::text[])) AS weight_entries
    FROM silver.user_activities a
    WHERE a.user_id = want.user_id AND a.event_time >= want.day::timestamp AT TIME ZONE 'UTC'
      AND a.event_time < (want.day + 1)::timestamp AT TIME ZONE 'UTC' AND a.flags = 0
) activity
CROSS JOIN LATERAL (
    SELECT count(*) AS weight_entries FROM silver.weight_history h
    WHERE h.user_id = want.user_id AND h.flags = 0 AND h.measured_at >= want.day::timestamp AT TIME ZONE 'UTC'
      AND h.measured_at < (want.day + 1)::timestamp AT TIME ZONE 'UTC'
) weighing
