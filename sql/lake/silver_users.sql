-- One row per user. Read-only; bookkeeping columns (revision, dw_*) stay in the warehouse.
SELECT user_id, username, email, roles, created_at, updated_at, deleted_at, inferred
FROM silver.users
