-- One row: the process that watched the collection last.
SELECT holder FROM catalog.mongo_collections WHERE source = $1 AND collection = $2
