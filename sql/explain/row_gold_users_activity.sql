-- One row at most: the row of gold.users_activity with this key. Reads only.
SELECT * FROM gold.users_activity
WHERE user_id = $1::text AND activity_date = $2::date
