-- One row per advisory lock, taken in the order given (callers sort) for the transaction: two batches that touch one
-- gold key wait. $3: whether a lock is taken shared.
SELECT CASE WHEN shared THEN pg_advisory_xact_lock_shared(class, number)::text ELSE pg_advisory_xact_lock(class, number)::text END
FROM unnest($1::integer[], $2::integer[], $3::boolean[]) WITH ORDINALITY AS wanted (class, number, shared, n) ORDER BY n
