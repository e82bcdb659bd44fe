-- One row per status event that counts, of every challenge that belongs to a user of the list, by time, the winner of a tie last.
SELECT c.user_id, e.challenge_id, e.updated_at, e.status
FROM silver.challenges c JOIN silver.challenge_events e USING (challenge_id)
WHERE c.user_id = ANY ($1::text[]) AND e.flags = 0
ORDER BY c.user_id, e.challenge_id, e.updated_at, e.append_time DESC, e.partition DESC, e."offset" DESC
