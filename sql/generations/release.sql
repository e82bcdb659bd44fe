-- One row: gives back what claim took, before the session ends.
SELECT pg_advisory_unlock(hashtext('generation'), $1)
