-- One row per activity that gives its identity to an earlier record; the caller inserts that one.
DELETE FROM silver.user_activities a
USING unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS gone (user_id, activity_type, event_time, event_id)
WHERE a.user_id = gone.user_id AND a.activity_type = gone.activity_type AND a.event_time = gone.event_time
  AND a.event_id = gone.event_id
