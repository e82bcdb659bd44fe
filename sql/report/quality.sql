-- One row per table with a quality check from the UTC day $1 to the day $2, by name. Percentages 0-100. Changes nothing.
SELECT table_name, sum(checks_count)::bigint AS checks_count,
       sum(avg_quality * checks_count) / sum(checks_count)::double precision AS avg_quality,
       min(min_quality) AS min_quality, max(last_check) AS last_check
FROM gold.quality_daily
WHERE check_date BETWEEN $1::date AND $2::date
GROUP BY table_name
ORDER BY table_name
