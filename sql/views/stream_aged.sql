-- One row per accepted fix with an event time in ($1, $2] whose record lies before the offsets $4 of the partitions $3;
-- where they are more than $5, the latest of each lion, and `fixes` is how many it had.
SELECT lion_id, event_time, lat, lng, partition, "offset", CASE WHEN total > $5 THEN of_lion ELSE 1 END AS fixes
FROM (
    SELECT p.*, count(*) OVER () AS total, count(*) OVER (PARTITION BY p.lion_id) AS of_lion,
           row_number() OVER (PARTITION BY p.lion_id ORDER BY p.event_time DESC) AS place
    FROM silver.lions l
    CROSS JOIN LATERAL ( -- per lion by its key: the day is never read from end to end
        SELECT lion_id, event_time, lat, lng, partition, "offset" FROM silver.positions p
        WHERE p.lion_id = l.lion_id AND p.event_time > $1::timestamptz AND p.event_time <= $2::timestamptz AND p.flags = 0
        ORDER BY p.event_time LIMIT 1000000
    ) p
    JOIN unnest($3::integer[], $4::bigint[]) AS known (partition, next_offset)
      ON known.partition = p.partition AND p."offset" < known.next_offset
    WHERE l.last_update > $1::timestamptz
) fixes
WHERE total <= $5 OR place = 1
