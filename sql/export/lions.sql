-- One row per lion that is not deleted.
SELECT lion_id, name FROM silver.lions WHERE deleted_at IS NULL
