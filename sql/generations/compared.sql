-- One row: the generation $1 has been compared at the offsets $2; it may become live when $3.
UPDATE catalog.generations SET state = CASE WHEN $3 AND state = 'building' THEN 'ready' ELSE state END,
       compared_at = now(), compared_offsets = $2::jsonb
WHERE generation = $1
