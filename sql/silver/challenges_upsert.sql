-- One row per challenge of the list, recomputed from its events that count: the fields of the latest one. Where all were
-- taken back, from those, and marked as deleted. Writing it again changes nothing.
INSERT INTO silver.challenges AS c (challenge_id, user_id, title, description, status, created_at, updated_at, due_date,
                                    progress, deleted_at)
SELECT want.challenge_id, latest.user_id, latest.title, latest.description, latest.status,
       coalesce(span.created_at, span.first_time), latest.updated_at, latest.due_date, latest.progress,
       CASE WHEN latest.flags <> 0 THEN deletion.deleted_at END
FROM unnest($1::text[]) AS want (challenge_id)
CROSS JOIN LATERAL (
    SELECT * FROM silver.challenge_events e WHERE e.challenge_id = want.challenge_id
    ORDER BY flags, updated_at DESC, append_time, partition, "offset" LIMIT 1) latest
CROSS JOIN LATERAL (
    SELECT min(created_at) AS created_at, min(updated_at) AS first_time
    FROM silver.challenge_events e WHERE e.challenge_id = want.challenge_id AND e.flags = latest.flags) span
LEFT JOIN LATERAL (
    SELECT max(append_time) AS deleted_at FROM metadata.deletions d
    WHERE d.topic = 'challenges.status.events' AND d.entity_id = want.challenge_id) deletion ON true
ORDER BY want.challenge_id
ON CONFLICT (challenge_id) DO UPDATE
SET user_id = excluded.user_id, title = excluded.title, description = excluded.description, status = excluded.status,
    created_at = excluded.created_at, updated_at = excluded.updated_at, due_date = excluded.due_date,
    progress = excluded.progress, deleted_at = excluded.deleted_at, dw_update_date = now()
RETURNING challenge_id, user_id, status, updated_at, deleted_at
