-- One row per set of rules that the generation does not know yet, under the number that the live one gave it. Idempotent.
INSERT INTO metadata{of}.rule_versions (rule_version, fingerprint, parameters, registered_at) OVERRIDING SYSTEM VALUE
SELECT rule_version, fingerprint, parameters, registered_at FROM metadata.rule_versions
ON CONFLICT (rule_version) DO NOTHING
