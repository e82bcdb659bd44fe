-- One row per wanted lion-day that has valid weights: the kilograms, in no order.
SELECT want.n::integer - 1 AS n, array_agg(h.weight) AS kilograms
FROM unnest($1::text[], $2::date[]) WITH ORDINALITY AS want (lion_id, day, n)
JOIN silver.weight_history h ON h.lion_id = want.lion_id AND h.flags = 0
 AND h.measured_at >= want.day::timestamp AT TIME ZONE 'UTC' AND h.measured_at < (want.day + 1)::timestamp AT TIME ZONE 'UTC'
GROUP BY want.n
