-- One row at most: the rules of a version. Reads only.
SELECT rule_version, fingerprint, parameters, registered_at FROM metadata.rule_versions WHERE rule_version = $1
