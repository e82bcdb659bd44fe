-- One row: whether this session compacts; the lock lasts as long as the session.
SELECT pg_try_advisory_lock(hashtext('liontrack.lake.compact'))
