-- One day partition of a bronze table, made when it is missing.
SELECT metadata.ensure_bronze_day($1, $2::date)
