-- One row at most: the row of gold.lions_metrics with this key. Reads only.
SELECT * FROM gold.lions_metrics
WHERE lion_id = $1::text AND metric_date = $2::date
