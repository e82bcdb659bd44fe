-- One row per lion-day that has no fact any more.
DELETE FROM gold.lions_metrics m
USING unnest($1::text[], $2::date[]) AS gone (lion_id, metric_date)
WHERE m.lion_id = gone.lion_id AND m.metric_date = gone.metric_date
