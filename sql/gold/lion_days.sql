-- One row per stored lion-day of the wanted ranges (from and to inclusive); `n` is the lion's place in the list.
SELECT want.n::integer - 1 AS n, m.metric_date, m.tracking_frequency, m.distance_m, m.max_speed_kmh, m.last_fix_time,
       m.stationary, m.avg_weight, m.min_weight, m.max_weight, m.weight_count, m.weight_trend, m.health_score
FROM unnest($1::text[], $2::date[], $3::date[]) WITH ORDINALITY AS want (lion_id, from_day, to_day, n)
JOIN gold.lions_metrics m ON m.lion_id = want.lion_id AND m.metric_date BETWEEN want.from_day AND want.to_day
