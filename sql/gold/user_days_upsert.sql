-- One row per user-day, whole; writing it again changes nothing.
INSERT INTO gold.users_activity (user_id, activity_date, challenges_completed, challenges_in_progress, challenges_total,
                                 activity_events, weight_entries, engagement_score)
SELECT * FROM unnest($1::text[], $2::date[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
                     $8::double precision[])
ON CONFLICT (user_id, activity_date) DO UPDATE
SET challenges_completed = excluded.challenges_completed, challenges_in_progress = excluded.challenges_in_progress,
    challenges_total = excluded.challenges_total, activity_events = excluded.activity_events,
    weight_entries = excluded.weight_entries, engagement_score = excluded.engagement_score,
    rule_version = excluded.rule_version, dw_update_date = now()
