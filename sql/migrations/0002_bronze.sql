-- Bronze: one row per consumed record, append-only, as it came; one partition per UTC day of the Kafka append time.
-- Typed columns are null where the record was rejected (metadata.dead_letters says why).

-- lions.position.events
CREATE TABLE bronze.lions_raw (
    lion_id             text,
    name                text,
    position_lat        double precision,
    position_lng        double precision,
    last_update         timestamptz,
    topic               text        NOT NULL,
    partition           integer     NOT NULL,
    "offset"            bigint      NOT NULL,
    append_time         timestamptz NOT NULL,
    key                 bytea,
    headers             jsonb,
    raw                 bytea,
    source_system       text        NOT NULL,
    partition_date      date        NOT NULL,
    metadata            jsonb,
    ingestion_timestamp timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, "offset", partition_date)
) PARTITION BY RANGE (partition_date);

-- lions.weight.events
CREATE TABLE bronze.weights_raw (
    weight_id           text,
    lion_id             text,
    weight              double precision,
    unit                text,
    measured_at         timestamptz,
    topic               text        NOT NULL,
    partition           integer     NOT NULL,
    "offset"            bigint      NOT NULL,
    append_time         timestamptz NOT NULL,
    key                 bytea,
    headers             jsonb,
    raw                 bytea,
    source_system       text        NOT NULL,
    partition_date      date        NOT NULL,
    metadata            jsonb,
    ingestion_timestamp timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, "offset", partition_date)
) PARTITION BY RANGE (partition_date);

-- users.activity.events
CREATE TABLE bronze.users_raw (
    user_id             text,
    username            text,
    email               text,
    activity_type       text,
    event_time          timestamptz,
    topic               text        NOT NULL,
    partition           integer     NOT NULL,
    "offset"            bigint      NOT NULL,
    append_time         timestamptz NOT NULL,
    key                 bytea,
    headers             jsonb,
    raw                 bytea,
    source_system       text        NOT NULL,
    partition_date      date        NOT NULL,
    metadata            jsonb,
    ingestion_timestamp timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, "offset", partition_date)
) PARTITION BY RANGE (partition_date);

-- challenges.status.events
CREATE TABLE bronze.challenges_raw (
    challenge_id        text,
    user_id             text,
    title               text,
    status              text,
    updated_at          timestamptz,
    topic               text        NOT NULL,
    partition           integer     NOT NULL,
    "offset"            bigint      NOT NULL,
    append_time         timestamptz NOT NULL,
    key                 bytea,
    headers             jsonb,
    raw                 bytea,
    source_system       text        NOT NULL,
    partition_date      date        NOT NULL,
    metadata            jsonb,
    ingestion_timestamp timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, "offset", partition_date)
) PARTITION BY RANGE (partition_date);

-- data.quality.events
CREATE TABLE bronze.quality_raw (
    table_name          text,
    check_name          text,
    check_timestamp     timestamptz,
    quality_percentage  double precision,
    topic               text        NOT NULL,
    partition           integer     NOT NULL,
    "offset"            bigint      NOT NULL,
    append_time         timestamptz NOT NULL,
    key                 bytea,
    headers             jsonb,
    raw                 bytea,
    source_system       text        NOT NULL,
    partition_date      date        NOT NULL,
    metadata            jsonb,
    ingestion_timestamp timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (partition, "offset", partition_date)
) PARTITION BY RANGE (partition_date);
