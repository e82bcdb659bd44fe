-- One row per lion and UTC hour: the hour's first fix, and how many the hour has.
SELECT DISTINCT ON (lion_id, hour) *, count(*) OVER (PARTITION BY lion_id, hour) AS fixes
FROM (
SELECT *, date_trunc('hour', event_time, 'UTC') AS hour FROM (
{source}
) t
) h
ORDER BY lion_id, hour, event_time
