-- One row at most: the row of silver.challenges with this key. Reads only.
SELECT * FROM silver.challenges
WHERE challenge_id = $1::text
