-- Schemas, and what the pipeline knows of itself: offsets, leases, runs, quality, lineage, the lake's manifest.

CREATE SCHEMA IF NOT EXISTS bronze;
CREATE SCHEMA IF NOT EXISTS silver;
CREATE SCHEMA IF NOT EXISTS gold;
CREATE SCHEMA IF NOT EXISTS metadata;
CREATE SCHEMA IF NOT EXISTS analytics;

-- One row per partition: the offset the next batch must start at. Moved only by the transaction that stores the batch.
CREATE TABLE metadata.consumed_offsets (
    topic             text        NOT NULL,
    partition         integer     NOT NULL,
    next_offset       bigint      NOT NULL CHECK (next_offset >= 0),
    lease_epoch       bigint      NOT NULL DEFAULT 0,
    lease_owner       text,
    cluster_id        text,
    first_fingerprint text,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);
COMMENT ON TABLE metadata.consumed_offsets IS 'Start position per partition; the writer with the highest lease_epoch may move it';

CREATE SEQUENCE metadata.lease_epochs;

-- One row per accepted record whose natural identity an earlier record (append_time, partition, offset) already holds.
CREATE TABLE metadata.repeats (
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    "offset"     bigint      NOT NULL,
    identity     text        NOT NULL,
    append_time  timestamptz NOT NULL,
    content_hash bigint      NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX repeats_identity ON metadata.repeats (topic, identity);

CREATE TABLE metadata.dead_letters (
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    "offset"       bigint      NOT NULL,
    key            bytea,
    headers        jsonb       NOT NULL DEFAULT '[]',
    raw            bytea,
    rule           text        NOT NULL,
    reason         text        NOT NULL,
    append_time    timestamptz NOT NULL,
    dead_lettered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, "offset")
);

CREATE TABLE metadata.data_quality_checks (
    table_name         text        NOT NULL,
    check_name         text        NOT NULL,
    check_timestamp    timestamptz NOT NULL,
    total_records      bigint      NOT NULL,
    valid_records      bigint      NOT NULL,
    invalid_records    bigint      NOT NULL,
    quality_percentage double precision NOT NULL,
    details            jsonb       NOT NULL DEFAULT '{}',
    topic              text        NOT NULL,
    partition          integer     NOT NULL,
    "offset"           bigint      NOT NULL,
    append_time        timestamptz NOT NULL,
    content_hash       bigint      NOT NULL,
    dw_insert_date     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, check_name, check_timestamp)
);

CREATE TABLE metadata.data_lineage (
    lineage_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_system       text        NOT NULL,
    source_table        text        NOT NULL,
    target_table        text        NOT NULL,
    transformation_type text        NOT NULL,
    last_run_timestamp  timestamptz NOT NULL,
    record_count        bigint      NOT NULL,
    execution_time_ms   bigint      NOT NULL,
    status              text        NOT NULL,
    error_message       text
);

CREATE TABLE metadata.pipeline_logs (
    pipeline_run_id   uuid        PRIMARY KEY,
    pipeline_name     text        NOT NULL,
    start_time        timestamptz NOT NULL,
    end_time          timestamptz,
    status            text        NOT NULL,
    processed_records bigint      NOT NULL DEFAULT 0,
    error_count       bigint      NOT NULL DEFAULT 0,
    logs              jsonb       NOT NULL DEFAULT '{}'
);

-- The Parquet manifest: a file is part of the lake if and only if it has a row here.
CREATE TABLE metadata.lake_files (
    path         text        PRIMARY KEY,
    layer        text        NOT NULL CHECK (layer IN ('bronze', 'silver', 'gold')),
    table_name   text        NOT NULL,
    day          date        NOT NULL,
    topic        text,
    partition    integer,
    first_offset bigint,
    next_offset  bigint,
    row_count    bigint      NOT NULL,
    byte_count   bigint      NOT NULL,
    sha256       text        NOT NULL,
    written_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX lake_files_table_day ON metadata.lake_files (layer, table_name, day);

-- How far the exporter has written each partition's bronze rows.
CREATE TABLE metadata.lake_watermarks (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    next_offset bigint      NOT NULL,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

-- Day partitions of silver and gold that changed since the lake last wrote them. `version` grows with every change.
CREATE SEQUENCE metadata.lake_versions;
CREATE TABLE metadata.lake_dirty (
    layer      text        NOT NULL,
    table_name text        NOT NULL,
    day        date        NOT NULL,
    version    bigint      NOT NULL DEFAULT nextval('metadata.lake_versions'),
    dirty_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (layer, table_name, day)
);
