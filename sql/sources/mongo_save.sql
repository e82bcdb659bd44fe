-- One row is updated: everything before this place is in Kafka. Writing it again counts its changes again.
UPDATE catalog.mongo_collections
SET mode = $3, place = $4, snapshot = $5, snapshot_after = $6, changes = changes + $7,
    changed_at = greatest(changed_at, $8), saved_at = now()
WHERE source = $1 AND collection = $2
