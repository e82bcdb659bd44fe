-- One row per file of the days $1–$3 (layer, table, day) that is none of the paths $4: it left the lake. Idempotent.
DELETE FROM metadata.lake_files f
USING unnest($1::text[], $2::text[], $3::date[]) AS m (layer, table_name, day)
WHERE f.layer = m.layer AND f.table_name = m.table_name AND f.day = m.day AND f.path <> ALL($4::text[])
