-- One row at most: the row of silver.lions with this key. Reads only.
SELECT * FROM silver.lions
WHERE lion_id = $1::text
