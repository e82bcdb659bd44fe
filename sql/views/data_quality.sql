-- One row per table with a quality check in the 7 UTC days that end with the day of $1, by name. Percentages 0-100.
SELECT table_name, sum(checks_count)::bigint AS checks_count,
       sum(avg_quality * checks_count) / sum(checks_count)::double precision AS avg_quality,
       min(min_quality) AS min_quality, max(last_check) AS last_check
FROM gold.quality_daily
WHERE check_date <= ($1::timestamptz AT TIME ZONE 'UTC')::date AND check_date > ($1::timestamptz AT TIME ZONE 'UTC')::date - 7
GROUP BY table_name
ORDER BY table_name
