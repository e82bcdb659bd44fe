-- One row: afterwards this transaction alone writes the lake's Delta logs.
SELECT pg_advisory_xact_lock(hashtext('liontrack.lake.delta'))
