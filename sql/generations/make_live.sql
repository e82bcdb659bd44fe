-- One row: the generation $1 is the live one.
UPDATE catalog.generations SET state = 'live', swapped_at = clock_timestamp() WHERE generation = $1
