-- One row: the live generation is retired, or ready ($1) as before, where a rollback takes it back. Its rules are those of
-- its rows where no replay has told them.
UPDATE catalog.generations SET state = $1, swapped_at = clock_timestamp(),
       rule_version = coalesce(rule_version, (SELECT max(rule_version) FROM gold.lions_metrics))
WHERE state = 'live'
