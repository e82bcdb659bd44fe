-- One row at most: the row of silver.weight_history with this key. Reads only.
SELECT * FROM silver.weight_history
WHERE weight_id = $1::text
