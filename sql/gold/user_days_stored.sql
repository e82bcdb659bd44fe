-- One row per stored user-day of the list: what it says.
SELECT d.user_id, d.activity_date, d.challenges_completed, d.challenges_in_progress, d.challenges_total,
       d.activity_events, d.weight_entries, d.engagement_score
FROM unnest($1::text[], $2::date[]) AS want (user_id, activity_date)
JOIN gold.users_activity d USING (user_id, activity_date)
