-- One row per wanted table and day, counted anew from the checks; writing it again changes nothing.
INSERT INTO gold.quality_daily (table_name, check_date, checks_count, avg_quality, min_quality, last_check)
SELECT want.table_name, want.day, count(*), avg(q.quality_percentage::numeric)::double precision,
       min(q.quality_percentage), max(q.check_timestamp)
FROM unnest($1::text[], $2::date[]) AS want (table_name, day)
JOIN metadata.data_quality_checks q ON q.table_name = want.table_name
 AND q.check_timestamp >= want.day::timestamp AT TIME ZONE 'UTC'
 AND q.check_timestamp < (want.day + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY want.table_name, want.day
ON CONFLICT (table_name, check_date) DO UPDATE
SET checks_count = excluded.checks_count, avg_quality = excluded.avg_quality, min_quality = excluded.min_quality,
    last_check = excluded.last_check, rule_version = excluded.rule_version, dw_update_date = now()
