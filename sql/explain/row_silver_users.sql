-- One row at most: the row of silver.users with this key. Reads only.
SELECT * FROM silver.users
WHERE user_id = $1::text
