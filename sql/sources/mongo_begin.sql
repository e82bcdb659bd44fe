-- One row: where the collection was left, by whoever watched it; now it is $3's. A new collection begins with a snapshot.
INSERT INTO catalog.mongo_collections AS c (source, collection, mode, holder) VALUES ($1, $2, 'snapshot', $3)
ON CONFLICT (source, collection) DO UPDATE SET holder = excluded.holder
RETURNING mode, place, snapshot, snapshot_after, changes
