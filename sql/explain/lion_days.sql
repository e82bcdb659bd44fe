-- One row per day of the lion $1 in [$2, $3], by day, at most $4: the facts that later days look back on. Reads only.
SELECT m.lion_id, m.metric_date, m.avg_weight, m.weight_count, m.tracking_frequency, m.rule_version,
       count(*) OVER () AS total
FROM gold.lions_metrics m
WHERE m.lion_id = $1 AND m.metric_date BETWEEN $2 AND $3
ORDER BY m.metric_date LIMIT $4
