-- One row: the UTC day by the database's clock; days before it are closed.
SELECT (now() AT TIME ZONE 'UTC')::date
