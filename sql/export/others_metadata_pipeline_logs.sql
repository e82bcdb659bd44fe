-- One row per run of a pipeline, without its log and whose it was.
SELECT pipeline_run_id, pipeline_name, start_time, end_time, status, processed_records, error_count FROM {relation}
