-- One row per run and step from a source table to a target table, without error messages.
SELECT lineage_id, source_system, source_table, target_table, transformation_type, last_run_timestamp, record_count,
       execution_time_ms, status, pipeline_run_id
FROM {relation}
