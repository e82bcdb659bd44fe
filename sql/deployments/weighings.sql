-- One row per stored weighing that reference data told ($1: its source) of one of the collars ($2).
SELECT weight_id, lion_id, metadata ->> 'tag_id' AS tag_id, flags & 16 > 0 AS hidden
FROM silver.weight_history WHERE source = $1 AND metadata ->> 'tag_id' = ANY ($2::text[])
