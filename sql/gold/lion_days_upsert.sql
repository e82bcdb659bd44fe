-- One row per lion-day that changed, whole; writing it again changes nothing.
INSERT INTO gold.lions_metrics (lion_id, metric_date, tracking_frequency, distance_m, max_speed_kmh, last_fix_time,
                                stationary, avg_weight, min_weight, max_weight, weight_count, weight_trend,
                                health_score, status)
SELECT * FROM unnest($1::text[], $2::date[], $3::integer[], $4::double precision[], $5::double precision[],
                     $6::timestamptz[], $7::boolean[], $8::double precision[], $9::double precision[],
                     $10::double precision[], $11::integer[], $12::text[], $13::double precision[], $14::text[])
ON CONFLICT (lion_id, metric_date) DO UPDATE
SET tracking_frequency = excluded.tracking_frequency, distance_m = excluded.distance_m,
    max_speed_kmh = excluded.max_speed_kmh, last_fix_time = excluded.last_fix_time, stationary = excluded.stationary,
    avg_weight = excluded.avg_weight, min_weight = excluded.min_weight, max_weight = excluded.max_weight,
    weight_count = excluded.weight_count, weight_trend = excluded.weight_trend, health_score = excluded.health_score,
    status = excluded.status, rule_version = excluded.rule_version, dw_update_date = now()
