-- One row per compared table of the generation $1.
INSERT INTO catalog.generation_diffs (generation, table_name, rows_live, added, removed, changed)
SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
