-- One row per lion with data in the 30 UTC days that end with the day of $1, best health first, at most $2. Equals share a
-- rank; lions whose health is unknown come last.
SELECT rank() OVER (ORDER BY avg_health DESC NULLS LAST, tracked_days DESC) AS rank, lion_id, name, avg_health, tracked_days,
       max_frequency
FROM (
    SELECT l.lion_id, l.name, m.avg_health, m.tracked_days, m.max_frequency
    FROM (
        SELECT lion_id, round(avg(health_score)::numeric, 6)::double precision AS avg_health,
               count(*) FILTER (WHERE tracking_frequency > 0) AS tracked_days, max(tracking_frequency) AS max_frequency
        FROM gold.lions_metrics
        WHERE metric_date <= ($1::timestamptz AT TIME ZONE 'UTC')::date
          AND metric_date > ($1::timestamptz AT TIME ZONE 'UTC')::date - 30
        GROUP BY lion_id
    ) m
    JOIN silver.lions l ON l.lion_id = m.lion_id AND l.deleted_at IS NULL
) lions
ORDER BY rank, lion_id
LIMIT $2
