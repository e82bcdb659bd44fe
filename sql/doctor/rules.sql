-- One row: the live generation, the rules it was computed with (null: as they came), ours by their fingerprint ($1; null
-- where no worker has used them), and how many lion-days other rules have made.
SELECT g.generation, g.rule_version AS live_rules,
    (SELECT v.rule_version FROM metadata.rule_versions AS v WHERE v.fingerprint = $1) AS own_rules,
    (SELECT p.parameters -> 'fixes' -> 'speed_limits_kmh' FROM metadata.rule_versions AS p
        WHERE p.rule_version = g.rule_version) AS live_speed_limits
FROM catalog.generations AS g WHERE g.state = 'live'
