-- One row per day whose exported version is still the latest: it is forgotten. A row that a writer holds is about to
-- get a newer version: it is skipped, so this statement never waits for the sink. Idempotent.
DELETE FROM metadata.lake_dirty d
USING (
    SELECT l.layer, l.table_name, l.day
    FROM metadata.lake_dirty l
    JOIN unnest($1::text[], $2::text[], $3::date[], $4::bigint[]) AS seen (layer, table_name, day, version)
      USING (layer, table_name, day, version)
    FOR UPDATE OF l SKIP LOCKED
) done
WHERE d.layer = done.layer AND d.table_name = done.table_name AND d.day = done.day
