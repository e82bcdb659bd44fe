-- One row at most: the row of gold.lions_positions_history with this key. Reads only.
SELECT * FROM gold.lions_positions_history
WHERE lion_id = $1::text AND position_date = $2::timestamptz
