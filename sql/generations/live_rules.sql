-- One row per version of the rules that any lion-day of the live generation was computed with. Read-only.
SELECT DISTINCT rule_version FROM gold.lions_metrics WHERE rule_version IS NOT NULL ORDER BY 1
