-- One row per user with activity in the 30 UTC days that end with the day of $1, best first, at most $2. Equals share a rank.
SELECT rank() OVER (ORDER BY total_completed DESC, avg_engagement DESC) AS rank, user_id, username, total_completed,
       avg_engagement, active_days
FROM (
    SELECT u.user_id, u.username, a.total_completed, a.avg_engagement, a.active_days
    FROM (
        SELECT user_id, sum(challenges_completed)::bigint AS total_completed,
               round(avg(engagement_score)::numeric, 6)::double precision AS avg_engagement, count(*) AS active_days
        FROM gold.users_activity
        WHERE activity_date <= ($1::timestamptz AT TIME ZONE 'UTC')::date
          AND activity_date > ($1::timestamptz AT TIME ZONE 'UTC')::date - 30
        GROUP BY user_id
    ) a
    JOIN silver.users u ON u.user_id = a.user_id AND u.deleted_at IS NULL
) users
ORDER BY rank, user_id
LIMIT $2
