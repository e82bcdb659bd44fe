-- One row: the user $1 in the 30 UTC days that end with the day of $2; no row where the user is unknown.
-- total_in_progress is a state, not a sum: the challenges in progress at the end of the period.
SELECT days.total_completed, coalesce(latest.challenges_in_progress, 0) AS total_in_progress,
       days.total_weight_entries, days.avg_engagement, days.active_days
FROM silver.users u
CROSS JOIN LATERAL (
    SELECT coalesce(sum(g.challenges_completed), 0)::bigint AS total_completed,
           coalesce(sum(g.weight_entries), 0)::bigint AS total_weight_entries,
           avg(g.engagement_score) AS avg_engagement, count(*) AS active_days
    FROM gold.users_activity g
    WHERE g.user_id = u.user_id AND g.activity_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
      AND g.activity_date > ($2::timestamptz AT TIME ZONE 'UTC')::date - 30
) days
LEFT JOIN LATERAL (
    SELECT g.challenges_in_progress FROM gold.users_activity g
    WHERE g.user_id = u.user_id AND g.activity_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY g.activity_date DESC LIMIT 1
) latest ON true
WHERE u.user_id = $1 AND u.deleted_at IS NULL
