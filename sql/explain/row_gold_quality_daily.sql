-- One row at most: the row of gold.quality_daily with this key. Reads only.
SELECT * FROM gold.quality_daily
WHERE table_name = $1::text AND check_date = $2::date
