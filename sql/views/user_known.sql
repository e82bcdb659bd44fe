-- One row where the user $1 is known and not deleted, else none.
SELECT u.user_id FROM silver.users u WHERE u.user_id = $1 AND u.deleted_at IS NULL
