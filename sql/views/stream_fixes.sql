-- One row per accepted fix with an event time in [$5, $6] that a record in the offset ranges [$2, $3) of the partitions $1
-- brought; where they are more than $7, the latest of each lion, and `fixes` is how many it had.
-- The records were appended on the day $4 or later.
SELECT lion_id, event_time, lat, lng, accuracy, partition, "offset",
       CASE WHEN total > $7 THEN of_lion ELSE 1 END AS fixes
FROM (
    SELECT s.*, count(*) OVER () AS total, count(*) OVER (PARTITION BY s.lion_id) AS of_lion,
           row_number() OVER (PARTITION BY s.lion_id ORDER BY s.event_time DESC) AS place
    FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS r (partition, first_offset, next_offset)
    CROSS JOIN LATERAL (
        SELECT b.lion_id, b.last_update, b."offset" FROM bronze.lions_raw b
        WHERE b.partition = r.partition AND b."offset" >= r.first_offset AND b."offset" < r.next_offset
          AND b.partition_date >= $4::date
          AND b.last_update BETWEEN $5::timestamptz AND $6::timestamptz
        ORDER BY b."offset" LIMIT 1000000
    ) b
    CROSS JOIN LATERAL ( -- the record's own row: a repeat of an earlier record has none
        SELECT p.lion_id, p.event_time, p.lat, p.lng, p.accuracy, p.partition, p."offset" FROM silver.positions p
        WHERE p.lion_id = b.lion_id AND p.event_time = b.last_update
          AND p.event_time BETWEEN $5::timestamptz AND $6::timestamptz
          AND p.partition = r.partition AND p."offset" = b."offset" AND p.flags = 0
        LIMIT 1
    ) s
) fixes
WHERE total <= $7 OR place = 1
