-- One row per UTC day with a valid weight, oldest first, of the 30 days that end with the day of $1: the mean of the lions'
-- means of that day, in kg.
SELECT avg(m.avg_weight) AS avg_value, m.metric_date
FROM gold.lions_metrics m
JOIN silver.lions l ON l.lion_id = m.lion_id AND l.deleted_at IS NULL
WHERE m.metric_date <= ($1::timestamptz AT TIME ZONE 'UTC')::date
  AND m.metric_date > ($1::timestamptz AT TIME ZONE 'UTC')::date - 30 AND m.avg_weight IS NOT NULL
GROUP BY m.metric_date
ORDER BY m.metric_date
