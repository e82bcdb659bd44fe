-- One row per user of the list that the warehouse knows.
SELECT user_id FROM silver.users WHERE user_id = ANY ($1::text[])
