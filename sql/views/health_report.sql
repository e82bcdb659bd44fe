-- One row: the lions with metrics on the UTC day of $1, by the bands of their health. Lions without a score are in total alone.
SELECT ($1::timestamptz AT TIME ZONE 'UTC')::date AS report_date,
       count(*) FILTER (WHERE m.status = 'excellent') AS excellent_health,
       count(*) FILTER (WHERE m.status = 'good') AS good_health,
       count(*) FILTER (WHERE m.status = 'needs_attention') AS needs_attention,
       avg(m.health_score) AS avg_health_score, avg(m.avg_weight) AS avg_weight, count(*) AS total_lions
FROM gold.lions_metrics m
JOIN silver.lions l ON l.lion_id = m.lion_id AND l.deleted_at IS NULL
WHERE m.metric_date = ($1::timestamptz AT TIME ZONE 'UTC')::date
