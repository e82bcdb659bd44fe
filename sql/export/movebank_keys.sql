-- One row per name of a further field that an exported fix has.
SELECT DISTINCT jsonb_object_keys(extras) AS name FROM (
{source}
) s
WHERE jsonb_typeof(extras) = 'object'
