-- Where `liontrack source mongo` is in MongoDB, and what it has told of each document. Both belong to the topics and not to
-- what is computed from them, so they stand in the catalog, which is of no generation.

CREATE TABLE catalog.mongo_collections (
    source text,
    collection text,
    mode text NOT NULL CHECK (mode IN ('snapshot', 'stream', 'poll')),
    place text,
    snapshot bigint NOT NULL DEFAULT 0,
    snapshot_after text,
    holder text,
    changes bigint NOT NULL DEFAULT 0,
    changed_at timestamptz,
    saved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, collection)
);

COMMENT ON TABLE catalog.mongo_collections IS 'One row per MongoDB collection that has been watched: where to go on';
COMMENT ON COLUMN catalog.mongo_collections.source IS 'The database';
COMMENT ON COLUMN catalog.mongo_collections.mode IS 'snapshot: it is being read whole; stream: its changes are followed; poll: it is asked for changes';
COMMENT ON COLUMN catalog.mongo_collections.place IS 'JSON: the resume token, operation time or newest updatedAt behind which everything is in Kafka';
COMMENT ON COLUMN catalog.mongo_collections.snapshot IS 'The number of the last snapshot that began';
COMMENT ON COLUMN catalog.mongo_collections.snapshot_after IS 'Extended JSON: the _id up to which the snapshot is in Kafka';
COMMENT ON COLUMN catalog.mongo_collections.holder IS 'The process that watched it last (host/pid); it still does while it holds the advisory lock';
COMMENT ON COLUMN catalog.mongo_collections.changed_at IS 'When MongoDB made the newest change that is in Kafka';

CREATE TABLE catalog.mongo_documents (
    source text,
    collection text,
    document_id text,
    topic text NOT NULL,
    key text NOT NULL,
    version_at timestamptz NOT NULL,
    content_hash bigint NOT NULL,
    events jsonb NOT NULL,
    deleted boolean NOT NULL,
    told boolean NOT NULL,
    read_at timestamptz NOT NULL,
    snapshot bigint NOT NULL,
    PRIMARY KEY (source, collection, document_id)
);

COMMENT ON TABLE catalog.mongo_documents IS 'One row per MongoDB document that an event has told of';
COMMENT ON COLUMN catalog.mongo_documents.key IS 'The key of its events: whom a deletion of it names';
COMMENT ON COLUMN catalog.mongo_documents.version_at IS 'The time of the version that was told last; versions of a document ascend';
COMMENT ON COLUMN catalog.mongo_documents.content_hash IS 'Of what was told, not of the document';
COMMENT ON COLUMN catalog.mongo_documents.events IS 'Of a document that is one event (a weighing): those in Kafka that may stand for it, [topic, key, id] each';
COMMENT ON COLUMN catalog.mongo_documents.told IS 'Kafka holds this version; false: it may';
COMMENT ON COLUMN catalog.mongo_documents.read_at IS 'This version was read after everything that MongoDB changed up to this logical time';
COMMENT ON COLUMN catalog.mongo_documents.snapshot IS 'The last snapshot that saw it; one that a later snapshot does not see was deleted';

CREATE INDEX mongo_documents_unseen ON catalog.mongo_documents (source, collection, snapshot) WHERE NOT deleted;

-- The source acts as liontrack_ingest. Run after catalog.grant_roles(), which lets that role only read.
CREATE FUNCTION catalog.grant_mongo() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regrole('liontrack_ingest') IS NOT NULL THEN
        GRANT INSERT, UPDATE ON catalog.mongo_collections, catalog.mongo_documents TO liontrack_ingest;
    END IF;
    REVOKE ALL ON FUNCTION catalog.grant_mongo() FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The privileges of MongoDB''s places could not be set (%). Run `liontrack migrate` as their owner.', SQLERRM;
END
$$;

DO $$ BEGIN PERFORM catalog.grant_roles(), catalog.grant_mongo(); END $$;
