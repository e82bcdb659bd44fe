-- One row per call, without a value: generations are made, dropped and exchanged one at a time, until this transaction ends.
SELECT pg_advisory_xact_lock(hashtext('generations'))
