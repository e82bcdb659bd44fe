-- True when this session writes silver and gold; the lock lasts as long as the session.
SELECT pg_try_advisory_lock(hashtext('liontrack.lake.days'))
