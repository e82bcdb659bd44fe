-- One row at most: the row of silver.challenge_events with this key. Reads only.
SELECT * FROM silver.challenge_events
WHERE challenge_id = $1::text AND updated_at = $2::timestamptz AND status = $3::text
