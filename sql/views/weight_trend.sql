-- One row per UTC day with a valid weight of the lion $1, oldest first, of the $3 days that end with the day of $2; one
-- row without a date where there is none, no row where the lion is unknown.
SELECT l.lion_id, m.metric_date AS date, m.avg_weight, m.min_weight, m.max_weight, m.weight_count AS measurements_count
FROM silver.lions l
LEFT JOIN gold.lions_metrics m
       ON m.lion_id = l.lion_id AND m.weight_count > 0
      AND m.metric_date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
      AND m.metric_date > ($2::timestamptz AT TIME ZONE 'UTC')::date - $3::integer
WHERE l.lion_id = $1 AND l.deleted_at IS NULL
ORDER BY m.metric_date
