-- One row per lion. Read-only; bookkeeping columns (revision, dw_*) stay in the warehouse.
SELECT lion_id, name, name_time, position_lat, position_lng, last_update, status, data_quality_score, fixes,
       accepted_fixes, first_fix_time, last_fix_time, deleted_at, updated_at
FROM silver.lions
