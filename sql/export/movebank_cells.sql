-- One row: the select list of the columns $1, in their order. A column has the value of the source's column `base`, or of
-- the first of the further `fields` that the fix has; an `own` text goes before them. Texts are made safe cells. A number
-- that several columns may tell (`taken`: all fields that take up one of them) stands in its own column, unless one is
-- taken: then in the first free one, where an import looks first. `earlier`: per column before it, the fields that take
-- that one up.
SELECT string_agg(CASE WHEN list = '' THEN 'NULL' ELSE format('coalesce(%s)', list) END, ', ' ORDER BY place) AS cells
FROM (
    SELECT place,
           CASE WHEN is_text AND own THEN concat_ws(', ', format('nullif(metadata.safe_cell(%I), '''')', base), told)
                WHEN is_text THEN concat_ws(', ', told, format('metadata.safe_cell(%I)', base))
                WHEN base IS NULL THEN coalesce(told, '')
                WHEN taken = '{}' THEN format('%I::text', base)
                ELSE concat_ws(', ', told, format(
                    'CASE WHEN %s %s THEN %I::text END',
                    CASE WHEN own THEN format('(extras ?| %L::text[]) IS NOT TRUE OR', taken)
                         ELSE format('extras ?| %L::text[] AND', taken) END,
                    coalesce((SELECT string_agg(format('extras ?| %L::text[]', e), ' AND ') FROM unnest(earlier) AS e), 'true'),
                    base))
           END AS list
    FROM (
        SELECT place, c ->> 'base' AS base, coalesce((c ->> 'text')::boolean, false) AS is_text, (c ->> 'own')::boolean AS own,
               ARRAY(SELECT jsonb_array_elements_text(c -> 'taken')) AS taken,
               ARRAY(SELECT ARRAY(SELECT jsonb_array_elements_text(e))::text
                     FROM jsonb_array_elements(c -> 'earlier') WITH ORDINALITY AS x (e, n) ORDER BY n) AS earlier,
               (SELECT string_agg(format('metadata.safe_cell(extras ->> %L)', f), ', ' ORDER BY n)
                FROM jsonb_array_elements_text(c -> 'fields') WITH ORDINALITY AS x (f, n)) AS told
        FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS p (c, place)
    ) columns
) lists
