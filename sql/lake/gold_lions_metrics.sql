-- One row per lion and UTC day, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT lion_id, metric_date, avg_weight, min_weight, max_weight, weight_count, weight_trend, health_score,
       tracking_frequency, distance_m, max_speed_kmh, last_fix_time, stationary, status, rule_version
FROM gold.lions_metrics
WHERE {days}
