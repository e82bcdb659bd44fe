-- One row per fix of the collars ($1) from $2 up to $3 whose lion is not the one that wore the collar then, with what
-- stands in its way there: `taken`, the lion has a fix of this time (with its event_id, `hidden` when it was taken back);
-- `rank` above 1, another misplaced fix would come to the same lion and time.
SELECT f.lion_id, f.event_time AS time_us, f.tag_id, f.deployed_lion_id AS to_lion, f.lat, f.lng, f.name, f.source,
       f.confidence, f.accuracy, f.altitude, f.dop, f.temperature, f.visible, f.event_id, f.metadata,
       there.lion_id IS NOT NULL AS taken, there.event_id AS taken_by, there.flags & 16 > 0 AS hidden,
       row_number() OVER (PARTITION BY f.deployed_lion_id, f.event_time ORDER BY f.lion_id) AS rank
FROM silver.deployed_positions f
LEFT JOIN silver.positions there ON there.lion_id = f.deployed_lion_id AND there.event_time = f.event_time
      AND there.event_time >= $2 AND there.event_time < $3
WHERE f.tag_id = ANY ($1::text[]) AND f.flags & 16 = 0 AND f.deployed_lion_id <> f.lion_id
  AND f.event_time >= $2 AND f.event_time < $3
