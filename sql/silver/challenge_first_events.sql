-- One row per challenge of the list: the day of its first event.
SELECT challenge_id, (min(updated_at) AT TIME ZONE 'UTC')::date AS first_day
FROM silver.challenge_events WHERE challenge_id = ANY ($1::text[]) GROUP BY challenge_id
