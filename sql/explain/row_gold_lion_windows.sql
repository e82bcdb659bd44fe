-- One row at most: the row of gold.lion_windows with this key. Reads only.
SELECT * FROM gold.lion_windows
WHERE lion_id = $1::text AND window_start = $2::timestamptz
