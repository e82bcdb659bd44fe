-- One row per user and UTC day, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT user_id, activity_date, challenges_completed, challenges_in_progress, challenges_total, activity_events, weight_entries,
       total_weight_entries, engagement_score, rule_version
FROM gold.users_activity
WHERE {days}
