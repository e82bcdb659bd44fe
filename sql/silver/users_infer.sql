-- One row per user that another topic names and nothing is known of: an inferred member; a known user stays as it is.
INSERT INTO silver.users (user_id, username)
SELECT user_id, user_id FROM unnest($1::text[]) AS named (user_id) ORDER BY user_id
ON CONFLICT (user_id) DO NOTHING
