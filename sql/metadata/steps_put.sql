-- One row per run and step, as it stands; writing it again changes nothing. Times are seconds since 1970.
INSERT INTO metadata.data_lineage (pipeline_run_id, source_system, source_table, target_table, transformation_type,
                                   last_run_timestamp, record_count, execution_time_ms, status, error_message)
SELECT run_id, system, source, target, kind, to_timestamp(last_at), rows, took_ms, status, error
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::double precision[], $7::bigint[],
            $8::bigint[], $9::text[], $10::text[])
     AS step (run_id, system, source, target, kind, last_at, rows, took_ms, status, error)
ON CONFLICT (pipeline_run_id, source_table, target_table) DO UPDATE
SET last_run_timestamp = excluded.last_run_timestamp, record_count = excluded.record_count,
    execution_time_ms = excluded.execution_time_ms, status = excluded.status, error_message = excluded.error_message
