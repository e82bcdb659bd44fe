-- One row: the generation's place in the catalog, with its diff. Not of the live one.
DELETE FROM catalog.generations WHERE generation = $1 AND state <> 'live'
