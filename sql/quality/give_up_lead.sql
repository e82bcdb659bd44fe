-- One row: gives the lead back, before the session ends. Again it only warns.
SELECT pg_advisory_unlock(hashtext('liontrack.quality'))
