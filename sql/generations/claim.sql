-- One row: whether this session alone works at the generation $1 now; its end gives that back.
SELECT pg_try_advisory_lock(hashtext('generation'), $1)
