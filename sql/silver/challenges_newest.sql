-- One row per challenge of the list that has a status event which counts: the time of the newest one that was not stamped with the future.
SELECT want.challenge_id, newest.updated_at
FROM unnest($1::text[]) AS want (challenge_id)
CROSS JOIN LATERAL (
    SELECT updated_at FROM silver.challenge_events s
    WHERE s.challenge_id = want.challenge_id AND s.flags = 0 AND s.updated_at <= s.append_time + interval '10 minutes'
    ORDER BY s.updated_at DESC LIMIT 1) newest
