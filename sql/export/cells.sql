-- One row: the select list that shows the columns $1 of the types $2 in the format $3, in their order.
-- CSV: whatever is not known to begin harmlessly is made a safe cell. Parquet: what a reader of CSV turns into typed columns.
SELECT string_agg(
    format(
        CASE
            WHEN type IN ('float8', 'int8', 'int4', 'int2', 'date', 'uuid') THEN '%1$I'
            WHEN type = 'numeric' THEN '%1$I::float8 AS %1$I'
            WHEN type = 'timestamptz' AND $3 <> 'parquet' THEN 'metadata.iso_z(%1$I) AS %1$I'
            WHEN type = 'bool' AND $3 = 'csv' THEN '%1$I::text AS %1$I'
            WHEN type IN ('text[]', 'int8[]') AND $3 <> 'json' THEN 'to_json(%1$I)::text AS %1$I'
            WHEN $3 = 'csv' THEN 'metadata.safe_cell(%1$I::text) AS %1$I'
            ELSE '%1$I'
        END, name),
    ', ' ORDER BY place) AS cells
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS c (name, type, place)
