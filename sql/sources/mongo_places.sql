-- One row per watched collection, with how many of its documents were told of and live.
SELECT source, collection, mode, holder, changes, metadata.iso_z(changed_at) AS changed_at,
       metadata.iso_z(saved_at) AS saved_at,
       (SELECT count(*) FROM catalog.mongo_documents d
        WHERE d.source = c.source AND d.collection = c.collection AND NOT deleted) AS documents
FROM catalog.mongo_collections c ORDER BY source, collection
