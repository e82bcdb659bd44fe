-- One row at most: the row of silver.positions with this key. Reads only.
SELECT * FROM silver.positions
WHERE lion_id = $1::text AND event_time = $2::timestamptz
