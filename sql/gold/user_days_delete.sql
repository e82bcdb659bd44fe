-- One row per user-day that has no fact any more.
DELETE FROM gold.users_activity d
USING unnest($1::text[], $2::date[]) AS gone (user_id, activity_date)
WHERE d.user_id = gone.user_id AND d.activity_date = gone.activity_date
