-- One row per user that another topic names and nothing is known of: an inferred member, deleted where its source has
-- said so; a known user stays as it is.
INSERT INTO silver.users (user_id, username, deleted_at)
SELECT named.user_id, named.user_id, deletion.deleted_at
FROM unnest($1::text[]) AS named (user_id)
LEFT JOIN LATERAL (
    SELECT max(append_time) AS deleted_at FROM metadata.deletions d
    WHERE d.topic = 'users.activity.events' AND d.entity_id = named.user_id AND d.event_id IS NULL) deletion ON true
ORDER BY named.user_id
ON CONFLICT (user_id) DO NOTHING
