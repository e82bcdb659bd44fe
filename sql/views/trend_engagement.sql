-- One row per UTC day with an active user, oldest first, of the 30 days that end with the day of $1.
SELECT a.activity_date, count(*) AS active_users, avg(a.engagement_score) AS avg_engagement
FROM gold.users_activity a
JOIN silver.users u ON u.user_id = a.user_id AND u.deleted_at IS NULL
WHERE a.activity_date <= ($1::timestamptz AT TIME ZONE 'UTC')::date
  AND a.activity_date > ($1::timestamptz AT TIME ZONE 'UTC')::date - 30
GROUP BY a.activity_date
ORDER BY a.activity_date
