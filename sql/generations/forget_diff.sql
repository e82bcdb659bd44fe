-- One row per compared table of the generation $1 goes, and its lions' with them.
WITH lions AS (DELETE FROM catalog.generation_lions WHERE generation = $1)
DELETE FROM catalog.generation_diffs WHERE generation = $1
