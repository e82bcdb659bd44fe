-- One row per generation, in the order of their numbers.
SELECT generation, state, options, rule_version, created_at, compared_at, swapped_at
FROM catalog.generations ORDER BY generation
