-- One row per topic and rule: the records that broke it, and how many of them since $1.
SELECT topic, rule, count(*) AS records, count(*) FILTER (WHERE dead_lettered_at > $1::timestamptz) AS recent,
       max(dead_lettered_at) AS last_seen
FROM metadata.dead_letters
GROUP BY topic, rule
ORDER BY records DESC, topic, rule
