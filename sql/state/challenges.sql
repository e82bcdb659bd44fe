-- One row per challenge of a partition ($1): its latest status, as the live table holds it.
SELECT c.challenge_id AS key, jsonb_build_object(
    'status', c.status, 'user_id', c.user_id, 'updated_at', to_char(c.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS live
FROM (SELECT * FROM silver.challenges ORDER BY updated_at DESC LIMIT 20000) AS c
CROSS JOIN LATERAL (
    SELECT partition FROM silver.challenge_events AS e
    WHERE e.challenge_id = c.challenge_id ORDER BY updated_at DESC LIMIT 1) AS e
WHERE e.partition = $1;
