-- One row per challenge. Read-only; bookkeeping columns (revision, dw_*) stay in the warehouse.
SELECT challenge_id, user_id, title, description, status, created_at, updated_at, due_date, progress, deleted_at
FROM silver.challenges
