-- Lineage: runs and their steps, the version of the rules behind each gold row, and what `explain` looks up.

-- One row per version of gold's rules: the fingerprint is of `parameters`, which holds the code's own version too.
CREATE TABLE metadata.rule_versions (
    rule_version  integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint   text        NOT NULL UNIQUE,
    parameters    jsonb       NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE metadata.rule_versions IS 'One row per version of gold''s rules';

-- The worker's connections set liontrack.rule_version, so that COPY and INSERT need not name the column.
ALTER TABLE gold.lions_metrics  ADD COLUMN rule_version integer;
ALTER TABLE gold.lion_windows   ADD COLUMN rule_version integer;
ALTER TABLE gold.users_activity ADD COLUMN rule_version integer;
ALTER TABLE gold.user_windows   ADD COLUMN rule_version integer;
ALTER TABLE gold.quality_daily  ADD COLUMN rule_version integer;
ALTER TABLE gold.lions_metrics  ALTER COLUMN rule_version SET DEFAULT nullif(current_setting('liontrack.rule_version', true), '')::integer;
ALTER TABLE gold.lion_windows   ALTER COLUMN rule_version SET DEFAULT nullif(current_setting('liontrack.rule_version', true), '')::integer;
ALTER TABLE gold.users_activity ALTER COLUMN rule_version SET DEFAULT nullif(current_setting('liontrack.rule_version', true), '')::integer;
ALTER TABLE gold.user_windows   ALTER COLUMN rule_version SET DEFAULT nullif(current_setting('liontrack.rule_version', true), '')::integer;
ALTER TABLE gold.quality_daily  ALTER COLUMN rule_version SET DEFAULT nullif(current_setting('liontrack.rule_version', true), '')::integer;

-- A run is one worker's life in one pipeline (a topic's noun). `instance` is the worker's name in the consumer group: a
-- run that a killed worker left 'running' is marked by the next worker of that name.
ALTER TABLE metadata.pipeline_logs
    ADD COLUMN instance   text,
    ADD COLUMN owner      text,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX pipeline_logs_running ON metadata.pipeline_logs (instance) WHERE status = 'running';
CREATE INDEX pipeline_logs_start ON metadata.pipeline_logs (pipeline_name, start_time);
COMMENT ON COLUMN metadata.pipeline_logs.status IS 'running, success, failed, or aborted: the worker ended without a word';
COMMENT ON COLUMN metadata.pipeline_logs.error_count IS 'Dead letters, and batches tried again; logs tells them apart';

-- One row per run and step of its pipeline.
ALTER TABLE metadata.data_lineage ADD COLUMN pipeline_run_id uuid;
CREATE UNIQUE INDEX data_lineage_step ON metadata.data_lineage (pipeline_run_id, source_table, target_table);
COMMENT ON COLUMN metadata.data_lineage.record_count IS 'Rows that the run put into the target: inserted, or replaced whole';
COMMENT ON COLUMN metadata.data_lineage.last_run_timestamp IS 'When the step last wrote; the run''s start where it has not';

-- The lake's files of gold get the new column.
INSERT INTO metadata.lake_dirty (layer, table_name, day)
SELECT layer, table_name, day FROM metadata.lake_files
WHERE layer = 'gold' AND table_name IN ('lions_metrics', 'lion_windows', 'users_activity', 'user_windows', 'quality_daily')
ON CONFLICT (layer, table_name, day) DO UPDATE SET version = nextval('metadata.lake_versions'), dirty_at = now();
