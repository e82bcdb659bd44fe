-- One row: whether the table $1 has a partition for each of these days now; makes those that are missing. Idempotent.
SELECT metadata.ensure_days($1, $2::date[])
