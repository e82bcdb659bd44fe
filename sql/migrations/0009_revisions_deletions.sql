-- Revisions: what gold said before and says now. Deletions: silver keeps deleted rows, flagged 16.

-- One row per gold row that one batch changed although it had been told before: its window or day was closed (the lion,
-- user or challenge had a later one), or a late record or a deletion changed it. `period_start` is the window's start or
-- the day's. `changes` is {"column": [from, to]}; `offsets` are the records that caused it, the first 100 of them.
CREATE TABLE metadata.revisions (
    revision_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name   text        NOT NULL,
    entity_id    text        NOT NULL,
    period_start timestamptz NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('created', 'changed', 'removed')),
    changes      jsonb       NOT NULL,
    cause        text        NOT NULL CHECK (cause IN ('late', 'settled', 'deletion')),
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    offsets      bigint[]    NOT NULL,
    record_count integer     NOT NULL,
    revised_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX revisions_cell ON metadata.revisions (table_name, entity_id, period_start);
COMMENT ON COLUMN metadata.revisions.cause IS
    'late: a record of an earlier window than the newest known; settled: the next fix in order settled its neighbours; deletion';

-- A deletion names an entity (a lion, weighing, user or challenge), or one event of it.
ALTER TABLE metadata.deletions ADD COLUMN event_id text;

ALTER TABLE silver.user_activities ADD COLUMN flags smallint NOT NULL DEFAULT 0;
ALTER TABLE silver.challenge_events ADD COLUMN flags smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN silver.user_activities.flags IS '16 deleted; 0 = counts';
COMMENT ON COLUMN silver.challenge_events.flags IS '16 deleted; 0 = counts';

-- The lake's files of these tables get the new column.
INSERT INTO metadata.lake_dirty (layer, table_name, day)
SELECT layer, table_name, day FROM metadata.lake_files
WHERE layer = 'silver' AND table_name IN ('user_activities', 'challenge_events')
ON CONFLICT (layer, table_name, day) DO UPDATE SET version = nextval('metadata.lake_versions'), dirty_at = now();
