-- One row per challenge of the list, recomputed from its events: the fields of the latest one.
INSERT INTO silver.challenges AS c (challenge_id, user_id, title, description, status, created_at, updated_at, due_date,
                                    progress)
SELECT want.challenge_id, latest.user_id, latest.title, latest.description, latest.status,
       coalesce(span.created_at, span.first_time), latest.updated_at, latest.due_date, latest.progress
FROM unnest($1::text[]) AS want (challenge_id)
CROSS JOIN LATERAL (
    SELECT * FROM silver.challenge_events e WHERE e.challenge_id = want.challenge_id
    ORDER BY updated_at DESC, append_time, partition, "offset" LIMIT 1) latest
CROSS JOIN LATERAL (
    SELECT min(created_at) AS created_at, min(updated_at) AS first_time
    FROM silver.challenge_events e WHERE e.challenge_id = want.challenge_id) span
ORDER BY want.challenge_id
ON CONFLICT (challenge_id) DO UPDATE
SET user_id = excluded.user_id, title = excluded.title, description = excluded.description, status = excluded.status,
    created_at = excluded.created_at, updated_at = excluded.updated_at, due_date = excluded.due_date,
    progress = excluded.progress, dw_update_date = now()
RETURNING challenge_id, user_id, status, updated_at
