-- Takes the transaction's advisory locks, in the order given (callers sort): two batches that touch one gold key wait.
SELECT pg_advisory_xact_lock($1, bucket) FROM unnest($2::integer[]) WITH ORDINALITY AS wanted (bucket, n) ORDER BY n
