-- One row: the first of the last $1 UTC days by the database's clock; older days may go.
SELECT (now() AT TIME ZONE 'UTC')::date - $1::integer
