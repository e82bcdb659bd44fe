-- One row per challenge that was the user $1's at $2 by its latest event until then, newest first, after the cursor
-- ($3, $4: updated_at, challenge_id; null: from the start), at most $5; the counts are of all of them. One row without a
-- challenge where there is none, no row where the user is unknown.
WITH named AS (
    SELECT DISTINCT challenge_id FROM silver.challenge_events WHERE user_id = $1 AND flags = 0 AND updated_at <= $2::timestamptz
), owned AS (
    SELECT latest.*, coalesce(span.created_at, span.first_time) AS created_at
    FROM named
    CROSS JOIN LATERAL (
        SELECT e.challenge_id, e.user_id, e.title, e.status, e.updated_at FROM silver.challenge_events e
        WHERE e.challenge_id = named.challenge_id AND e.flags = 0 AND e.updated_at <= $2::timestamptz
        ORDER BY e.updated_at DESC, e.append_time, e.partition, e."offset" LIMIT 1
    ) latest
    CROSS JOIN LATERAL (
        SELECT min(e.created_at) AS created_at, min(e.updated_at) AS first_time FROM silver.challenge_events e
        WHERE e.challenge_id = named.challenge_id AND e.flags = 0 AND e.updated_at <= $2::timestamptz
    ) span
    WHERE latest.user_id = $1
), counts AS (
    SELECT count(*) AS total, count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'in_progress') AS in_progress,
           count(*) FILTER (WHERE status = 'abandoned') AS abandoned
    FROM owned
)
SELECT counts.*, o.challenge_id, o.title, o.status, o.age_days, o.created_at, o.updated_at
FROM silver.users u
CROSS JOIN counts
LEFT JOIN LATERAL (
    SELECT owned.*, floor(extract(epoch FROM $2::timestamptz - owned.created_at) / 86400)::bigint AS age_days
    FROM owned
    WHERE $3::timestamptz IS NULL OR owned.updated_at < $3 OR (owned.updated_at = $3 AND owned.challenge_id > $4::text)
    ORDER BY owned.updated_at DESC, owned.challenge_id LIMIT $5
) o ON true
WHERE u.user_id = $1 AND u.deleted_at IS NULL
ORDER BY o.updated_at DESC, o.challenge_id
