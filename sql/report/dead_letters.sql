-- One row per topic and rule: the records appended from the UTC day $1 to the day $2 that broke it, and why the last one did.
-- Changes nothing.
SELECT topic, rule, count(*) AS records,
       (array_agg(reason ORDER BY append_time DESC, partition, "offset" DESC))[1] AS last_reason
FROM metadata.dead_letters
WHERE append_time >= $1::date::timestamp AT TIME ZONE 'UTC' AND append_time < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY topic, rule
ORDER BY records DESC, topic, rule
