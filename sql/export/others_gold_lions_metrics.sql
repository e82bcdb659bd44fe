-- One row per lion and UTC day, with the columns that the API shows to everyone: no distance, speed, rest, or last fix.
SELECT lion_id, metric_date, avg_weight, min_weight, max_weight, weight_count, weight_trend, health_score,
       tracking_frequency, status, rule_version
FROM {relation}
