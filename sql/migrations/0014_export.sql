-- What exports show: text cells that no spreadsheet takes for formulas, times as ISO-8601 with Z, positions on a grid.

-- A text as a spreadsheet shows it and does not run it: one apostrophe goes before what would begin a formula, and before
-- apostrophes and spaces that lead to it, so that taking one away gives the text back. Full-width signs count as well.
CREATE FUNCTION metadata.safe_cell(cell text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ascii(ltrim(cell, ' ''')) IN (9, 10, 13, 43, 45, 61, 64, 65291, 65293, 65309, 65312)
            THEN '''' || cell ELSE cell END;

COMMENT ON FUNCTION metadata.safe_cell(text) IS 'A text cell that no spreadsheet runs as a formula';

CREATE FUNCTION metadata.iso_z(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN trim('"' FROM to_json(moment AT TIME ZONE 'UTC')::text) || 'Z';

COMMENT ON FUNCTION metadata.iso_z(timestamptz) IS 'ISO-8601 in UTC, a fraction only where there is one';

-- The same point as on_grid() of the API gives, so that several answers never narrow a position down.
CREATE FUNCTION metadata.on_grid(degrees double precision, grid_deg double precision, limit_deg double precision)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN greatest(-limit_deg, least(limit_deg, round((round(degrees / grid_deg) * grid_deg)::numeric, 9)::double precision));

COMMENT ON FUNCTION metadata.on_grid(double precision, double precision, double precision) IS
    'The nearest point of the grid through 0, within ±limit_deg';
