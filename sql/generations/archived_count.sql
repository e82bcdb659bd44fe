-- One row: how many records of a partition ($1) {table} holds from offset $2 up to before $3.
SELECT count(*) FROM {table} WHERE partition = $1 AND "offset" >= $2 AND "offset" < $3
