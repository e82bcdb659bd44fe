-- One row: what the generation $1 is bounded to, or how far it is filled, is $2 from now on.
UPDATE catalog.generations SET options = $2::jsonb WHERE generation = $1
