-- Data quality on the stream: counts that batches leave behind, and the checks that were made of them.

-- One row per batch, table and rule, written in the batch's transaction and deleted by the cut that makes checks of it.
-- Rows are only ever inserted and deleted: a batch never waits for a cut, and a cut takes whole batches.
CREATE TABLE metadata.quality_tally (
    topic        text     NOT NULL,
    partition    integer  NOT NULL,
    first_offset bigint   NOT NULL,
    next_offset  bigint   NOT NULL,
    table_name   text     NOT NULL,
    rule         text     NOT NULL,
    records      bigint   NOT NULL CHECK (records >= 0),
    samples      bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (topic, partition, next_offset, table_name, rule)
);
COMMENT ON COLUMN metadata.quality_tally.rule IS 'the rule that records broke; empty: all records that were looked at';
COMMENT ON COLUMN metadata.quality_tally.samples IS 'offsets of records that broke the rule, ten at most';

-- One row per check that is made and not yet known to be in data.quality.events.
CREATE TABLE metadata.quality_outbox (
    check_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_timestamp timestamptz NOT NULL,
    event           text        NOT NULL
);

-- The checks of one table by time: its days, its latest ones.
CREATE INDEX data_quality_checks_time ON metadata.data_quality_checks (table_name, check_timestamp);
