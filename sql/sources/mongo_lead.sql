-- One row: whether this session may watch the collection now; its end gives the lead back. Idempotent.
SELECT pg_try_advisory_lock(hashtext('liontrack.mongo'), hashtext($1 || '.' || $2))
