-- One row per accepted fix with an event time of ($1, $2], at most $3: what a delayed viewer may see from now on.
SELECT p.lion_id, p.event_time AS position_date, p.lat, p.lng, p.accuracy, p.partition, p."offset"
FROM silver.lions l
CROSS JOIN LATERAL (
    SELECT * FROM silver.positions f
    WHERE f.lion_id = l.lion_id AND f.event_time > $1::timestamptz AND f.event_time <= $2::timestamptz AND f.flags = 0
) p
WHERE l.last_update > $1::timestamptz AND l.deleted_at IS NULL
ORDER BY p.event_time
LIMIT $3
