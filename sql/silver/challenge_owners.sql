-- One row per stored challenge of the list: whose it is, and when its first event was.
SELECT challenge_id, user_id FROM silver.challenges WHERE challenge_id = ANY ($1::text[])
