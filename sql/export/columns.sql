-- One row per row of a source, of which only the columns' names and types are asked for.
SELECT * FROM (
{source}
) s
