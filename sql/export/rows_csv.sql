-- One row per exported row, as cells of a CSV; limit null: all.
SELECT {cells} FROM (
{source}
) t
LIMIT {limit}::bigint
