-- One row per lion with position records in the partition $1, offsets [$2, $3), appended on the days $4 to $5: its last
-- accepted fix (null without one), and how many records there are. For so many that nobody wants to see each.
SELECT r.lion_id, l.last_update AS position_date, l.position_lat AS lat, l.position_lng AS lng, r.fixes, r.partition_date
FROM (
    SELECT lion_id, count(*) AS fixes, max(partition_date) AS partition_date FROM bronze.lions_raw
    WHERE partition = $1 AND "offset" >= $2 AND "offset" < $3 AND partition_date >= $4::date AND partition_date <= $5::date
    GROUP BY lion_id
) r
LEFT JOIN silver.lions l ON l.lion_id = r.lion_id AND l.deleted_at IS NULL
