-- One row, empty: the day partition of a bronze table is there. Idempotent.
SELECT metadata.ensure_bronze_day($1, $2::date)
