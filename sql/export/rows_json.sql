-- One row per exported row, as one line of JSON; limit null: all.
SELECT row_to_json(r)::text FROM (
SELECT {cells} FROM (
{source}
) t
LIMIT {limit}::bigint
) r
