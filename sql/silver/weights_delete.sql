-- One row per weighing that gives its identity to an earlier record; the caller inserts that one.
DELETE FROM silver.weight_history WHERE weight_id = ANY ($1::text[])
