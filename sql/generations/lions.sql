-- One row per lion of the generation $1 whose figures differ. Read-only.
SELECT lion_id, fixes_before, fixes_after, km_before, km_after, health_before, health_after
FROM catalog.generation_lions WHERE generation = $1 ORDER BY lion_id
