-- One row: the number of a new generation that is being built, larger than any before it in the catalog.
INSERT INTO catalog.generations (generation, state, options, rule_version)
SELECT max(generation) + 1, 'building', $1::jsonb, $2 FROM catalog.generations
RETURNING generation
