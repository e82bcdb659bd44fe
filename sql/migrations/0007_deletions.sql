-- One row per record by which a source deleted an entity.
CREATE TABLE metadata.deletions (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    entity_id   text        NOT NULL,
    append_time timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, "offset")
);
CREATE INDEX deletions_entity ON metadata.deletions (topic, entity_id);
