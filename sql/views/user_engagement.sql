-- One row per day with data of the user $1, newest first, the 30 latest days up to $2; one row without a date where there
-- is none, no row where the user is unknown.
SELECT u.user_id, a.activity_date, a.challenges_completed, a.challenges_in_progress, a.weight_entries, a.engagement_score
FROM silver.users u
LEFT JOIN LATERAL (
    SELECT * FROM gold.users_activity g
    WHERE g.user_id = u.user_id AND g.activity_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY g.activity_date DESC LIMIT 30
) a ON true
WHERE u.user_id = $1 AND u.deleted_at IS NULL
ORDER BY a.activity_date DESC
