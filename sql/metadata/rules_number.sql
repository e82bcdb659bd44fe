-- One row: the number of a registered set of rules.
SELECT rule_version FROM metadata.rule_versions WHERE fingerprint = $1
