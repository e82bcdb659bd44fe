-- One row per stored activity of the list of identities: who holds it.
SELECT a.user_id, a.activity_type, a.event_time, a.event_id, a.append_time, a.partition, a."offset", a.content_hash
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) AS want (user_id, activity_type, event_time, event_id)
JOIN silver.user_activities a USING (user_id, event_time, activity_type, event_id)
