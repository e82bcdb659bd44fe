-- One row per run, as it stands; writing it again changes nothing. A run that another worker has marked aborted stays so
-- and is not returned. Times are seconds since 1970; an end of null means that the run goes on.
INSERT INTO metadata.pipeline_logs AS l (pipeline_run_id, pipeline_name, start_time, end_time, status, processed_records,
                                         error_count, logs, instance, owner)
SELECT run_id, name, to_timestamp(started), to_timestamp(ended), status, records, errors, logs::jsonb, $9, $10
FROM unnest($1::uuid[], $2::text[], $3::double precision[], $4::double precision[], $5::text[], $6::bigint[],
            $7::bigint[], $8::text[]) AS run (run_id, name, started, ended, status, records, errors, logs)
ON CONFLICT (pipeline_run_id) DO UPDATE
SET end_time = excluded.end_time, status = excluded.status, processed_records = excluded.processed_records,
    error_count = excluded.error_count, logs = excluded.logs, updated_at = now()
WHERE l.status <> 'aborted'
RETURNING pipeline_run_id
