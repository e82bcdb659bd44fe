-- One row at most: the row of silver.user_activities with this key. Reads only.
SELECT * FROM silver.user_activities
WHERE user_id = $1::text AND event_time = $2::timestamptz AND activity_type = $3::text AND event_id = $4::text
