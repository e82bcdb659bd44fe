-- One row per column of the warehouse's tables, in their order. Names are those of the live generation.
SELECT regexp_replace(table_schema, '_g\d+$', '') || '.' || table_name AS table_name, column_name, data_type
FROM information_schema.columns
WHERE table_schema IN ('silver', 'gold', 'metadata')
   OR table_schema = 'bronze' AND table_name IN ('lions_raw', 'weights_raw', 'users_raw', 'challenges_raw', 'quality_raw')
ORDER BY table_schema, table_name, ordinal_position
