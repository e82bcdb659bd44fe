-- One row per row of a source whose time lies in [since, until); a day counts as its first moment.
SELECT * FROM (
{source}
) s
WHERE ({since}::timestamptz IS NULL OR {time} >= {since}::timestamptz)
  AND ({until}::timestamptz IS NULL OR {time} < {until}::timestamptz)
