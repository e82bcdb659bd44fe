-- One row per compared table of the generation $1, in the order of the layers. Read-only.
SELECT table_name, rows_live, added, removed, changed
FROM catalog.generation_diffs WHERE generation = $1
ORDER BY array_position(ARRAY['bronze', 'silver', 'gold', 'metadata'], split_part(table_name, '.', 1)), table_name
