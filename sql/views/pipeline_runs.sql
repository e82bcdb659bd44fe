-- One row per run of a pipeline, the ten latest, newest first.
SELECT pipeline_run_id::text AS pipeline_run_id, pipeline_name, start_time, end_time, status, processed_records, error_count
FROM metadata.pipeline_logs
ORDER BY start_time DESC, pipeline_name
LIMIT 10
