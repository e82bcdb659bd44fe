-- One row at most: the row of gold.user_windows with this key. Reads only.
SELECT * FROM gold.user_windows
WHERE user_id = $1::text AND window_start = $2::timestamptz
