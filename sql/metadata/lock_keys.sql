-- One row per advisory lock, taken in the order given (callers sort) for the transaction: two batches that touch one
-- gold key wait.
SELECT pg_advisory_xact_lock($1, bucket) FROM unnest($2::integer[]) WITH ORDINALITY AS wanted (bucket, n) ORDER BY n
