-- One row per run that an earlier worker of this name left running: it ended when it was last heard of.
-- Idempotent: the second call finds none.
WITH aborted AS (
    UPDATE metadata.pipeline_logs SET status = 'aborted', end_time = updated_at
    WHERE instance = $1 AND status = 'running'
    RETURNING pipeline_run_id, pipeline_name, extract(epoch FROM end_time)::double precision AS ended_at
), steps AS (
    UPDATE metadata.data_lineage l SET status = 'aborted', error_message = 'The worker ended without a word.'
    FROM aborted a WHERE l.pipeline_run_id = a.pipeline_run_id
)
SELECT pipeline_run_id, pipeline_name, ended_at FROM aborted ORDER BY pipeline_name
