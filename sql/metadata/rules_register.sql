-- One row per set of rules, the first time it is used; writing it again changes nothing, and uses up no number.
INSERT INTO metadata.rule_versions (fingerprint, parameters)
SELECT $1, $2::jsonb
WHERE NOT EXISTS (SELECT FROM metadata.rule_versions WHERE fingerprint = $1)
ON CONFLICT (fingerprint) DO NOTHING
