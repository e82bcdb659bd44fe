-- One row per accepted fix among the lions $1 and times $2 (pairs) of one UTC day [$3, $4), with its record's place.
SELECT p.lion_id, p.event_time AS position_date, p.lat, p.lng, p.accuracy, p.partition, p."offset"
FROM unnest($1::text[], $2::timestamptz[]) AS asked(lion_id, event_time)
JOIN silver.positions p ON p.lion_id = asked.lion_id AND p.event_time = asked.event_time
WHERE p.event_time >= $3::timestamptz AND p.event_time < $4::timestamptz AND p.flags = 0
