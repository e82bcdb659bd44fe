-- One row: whether this session makes the checks now; its end gives the lead back. Idempotent.
SELECT pg_try_advisory_lock(hashtext('liontrack.quality'))
